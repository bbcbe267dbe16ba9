"""Plain Python: the words of the project and its errors. What we would keep if every engine died."""
