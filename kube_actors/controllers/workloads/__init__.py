"""Controllers of what makes pods: sets, Deployments, Jobs, CronJobs and their budgets."""
