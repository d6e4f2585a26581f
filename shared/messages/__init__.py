"""What is said is data: a message is an id and its values; it becomes a sentence where somebody reads it.

A folder here is a language; its .ftl files (the format of Project Fluent) hold the sentences by area. To add
a language, translate the files of `en/` into a new folder; nothing else changes.
"""
