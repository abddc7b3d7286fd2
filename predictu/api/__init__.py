"""What every API face shares: request context, authentication, limits, envelopes, pages, query parameters."""
