"""Raw dumps written by PostgreSQL's COPY: what each type holds, and how its rows become a file in constant memory."""
