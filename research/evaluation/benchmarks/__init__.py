"""Where layouts come from: readers of the published files, which stay with their owners, and builders from COCO."""
