"""Power cuts: the data folder and the store on disks of their own, copied as they would be after a power cut.

What programs wrote and did not bring to disk is in the kernel's memory, and not in a copy of the device.
"""
