"""What has to be stored so that every metric can be computed: an engine-neutral plan made from a `Project`."""
