"""From what was named to what is used: instruments, histories, covariates, panel."""
