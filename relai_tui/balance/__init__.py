"""Money over time: readings of the balance, its pace and runway, what answers cost, limits and alerts."""
