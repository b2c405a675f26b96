"""Where keys come from and where they are kept. The only importer of `keyring`.

`sources.find` looks in all places in their order; `os_keyring.Keyring` is the door to the system's keyring. There is
no plain-text file: where no keyring can be used, a key is for this session only.
"""
