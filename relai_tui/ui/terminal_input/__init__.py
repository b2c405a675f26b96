"""Terminal input: from the bytes a terminal sends to the events the app gets, in order and whatever the reads."""
