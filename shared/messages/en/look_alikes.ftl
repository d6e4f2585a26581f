# What a file is that stands in the place of a data set, of weights or of a tokenizer, and what its owner can do.

file-is = { $kind ->
   *[empty] It is empty (0 bytes).
    [zeros] It is nothing but zero bytes, as a broken copy leaves them.
    [gzip] It is compressed (gzip).
    [bzip2] It is compressed (bzip2).
    [xz] It is compressed (xz).
    [zstd] It is compressed (zstd).
    [lz4] It is compressed (lz4).
    [unix-compress] It is compressed (Unix compress).
    [seven-zip] It is a 7-Zip archive.
    [rar] It is a RAR archive.
    [zip] It is a zip archive.
    [tar] It is a tar archive.
    [excel] It is an Excel workbook.
    [old-excel] It is an Excel workbook of the old kind (.xls).
    [office] It is an Excel workbook or another Office document.
    [open-document] It is an OpenDocument file, such as a LibreOffice sheet.
    [sqlite] It is an SQLite database.
    [numpy] It is a NumPy array.
    [hdf5] It is an HDF5 file.
    [old-feather] It is a Feather file of the old kind.
    [encrypted-parquet] It is an encrypted Parquet file.
    [avro] It is an Avro file.
    [orc] It is an ORC file.
    [gguf] It is a GGUF model.
    [pdf] It is a PDF document.
    [rich-text] It is a document in Rich Text Format.
    [png] It is a picture (PNG).
    [jpeg] It is a picture (JPEG).
    [xml] It is an XML file.
    [pickle] It is a pickle, which can hold a program and is never opened here.
    [safetensors] It holds the weights of a model (safetensors).
    [pytorch] It is a PyTorch checkpoint.
    [web-page] It is a web page, such as the page of an error or a log-in, and not the file.
    [refusal] It is the answer of a server that refused the download, and not the file.
}
file-is-pointer = It is a Git LFS pointer: a short text in the place of the file itself. The file itself has { $file_bytes }.
file-is-pointer-to-unknown = It is a Git LFS pointer: a short text in the place of the file itself.

unpack-it = Unpack it and give the file inside.
unpack-with = Unpack it and give the file inside: { $command }
save-sheet-as-csv = Open it and save the sheet as CSV UTF-8.
write-rows-in-known-form = Write its rows as JSON lines, CSV or Parquet with the program that made it.
write-text-as-lines = Write each piece of its text as a line {"{"}"text": "…"{"}"} of a .jsonl file.
write-table-as-rows = Write the table that you need as CSV or JSON lines.
write-content-in-wanted-form = Write what it holds in the form that is needed.
save-again-as-parquet = Save it again as Parquet: df.to_parquet(NAME).
save-without-encryption = Save it without encryption.
save-in-another-form = Save it in another form: data as Parquet or JSON lines.
give-original-model = Training needs the original model as safetensors.
give-file-with-rows = Give the file with the rows.
put-into-model-folder = Put it into a model folder with its config.json.
download-or-save-again = Download or save it again.
download-or-copy-again = Download or copy it again.
download-again-with-token = Download the file itself. If it needs a log-in or a token, give that.
pull-file-itself = Fetch the file itself: run `git lfs install` and `git lfs pull` where it was cloned, or download it.
