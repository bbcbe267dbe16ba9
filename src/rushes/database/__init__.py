"""The one SQLite file: connection, transactions, migrations, SQL by name. Knows no table's meaning."""
