"""The desk: two trained cells of one data set side by side, everything linked."""
