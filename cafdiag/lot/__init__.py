"""En série : beaucoup de diagnostics, vite, sans que l'un gêne l'autre ; une panne ne coûte qu'un territoire."""
