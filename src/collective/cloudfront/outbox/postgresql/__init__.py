"""The outbox in a schema of a PostgreSQL database: any number of machines."""
