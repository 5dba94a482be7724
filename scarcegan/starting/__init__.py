"""Makes a project of a team's own tables: looks at them, guesses what they are, writes configuration and scripts."""
