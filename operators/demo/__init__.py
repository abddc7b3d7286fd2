"""The demo's operator: an HTTPS server that receives callbacks as an operator's engineer would write it.

It knows the operators' keys and the public recipe, nothing of the platform's code or database.
"""
