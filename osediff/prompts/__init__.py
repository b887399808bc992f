"""Prompts for the text-conditioned UNet: extracted once per image set, stored as data (Table 4)."""
