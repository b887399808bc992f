"""The other methods: each turns a folder of LR images into a folder of SR images (osediff.common.restore_folder)."""
