// Nothing to call; a target needs a header to be imported.
