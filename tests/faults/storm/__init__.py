"""The storm: fifty tills, two worker processes, and every way a payment can go other than well."""
