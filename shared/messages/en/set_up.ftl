# What `./tunedock` says while it builds its environment. Fluent's packages are not there yet, so these messages hold
# values alone and choose nothing by them (services/cli/environment/sentences.py).

set-up-interrupted = Set-up was interrupted. The next ./tunedock command continues from here.
python-lacks-venv = Python { $version } ({ $program }) can't make environments: it lacks the modules `venv` and `ensurepip`. On Debian and Ubuntu: apt install { $package }. Or set TUNEDOCK_PYTHON to a Python that has Tunedock's packages already.
too-little-space-to-set-up = { $folder } has { $free_bytes } free, and set-up needs { $needed_bytes } there. Free some space, or move the project to a larger disk.
cuda-build-needs-more = { $folder } has { $free_bytes } free. With the CUDA build of torch set-up needs { $needed_bytes }. Without a GPU, set TUNEDOCK_TORCH_INDEX to an index of the CPU build.
environment-of-others = { $folder } exists and was not made by ./tunedock, so it is not changed. Move it to another place, or set TUNEDOCK_PYTHON to its Python.
environment-not-written = { $folder } can't be written: { $error }
environment-not-made = { $program } can't make an environment in { $folder }. It said:
    { $output }
other-set-up-row = Another ./tunedock is setting up; waiting for it
setting-up-row = Setting up { $folder } with Python { $version } (once)
installing-row = Installing { $part } (packages: { $packages }; this can be interrupted, and the next command continues it)
fetched-row = [{ $number }/{ $packages }] { $name } { $version }
fetched-with-size-row = [{ $number }/{ $packages }] { $name } { $version }{ $size }
fetched-from-cache-row = [{ $number }/{ $packages }] { $name } { $version } (cached)
unpacking-row = unpacking and installing (packages: { $packages })
pip-failed-for-reason = { $reason } The output of pip is in { $file }.
pip-failed = The program pip failed. Its whole output is in { $file }, and ends with:
    { $lines }
disk-full-while-unpacking = The disk became full while packages were unpacked. Besides the project's own disk, pip uses the folder of TMPDIR and its cache (PIP_CACHE_DIR). Free some space, or set these to other folders, then run the command again.
no-build-for-machine = A package has no ready build for { $python }, and building it failed. Use Python 3.11 to 3.14 on Linux (x86-64, arm64) or macOS (arm64), where every package is ready. Or install a C compiler and Python's headers (Debian: apt install build-essential python3-dev), and run the command again.
registry-not-reached = The package registry could not be reached ({ $error }). Check the network, the proxy variables and pip's settings (`pip config list`), then run the command again. Downloaded files are kept.
registry-lacks-version = The package registry offers no { $package } for { $python }. Use Python 3.11 to 3.14 on Linux (x86-64, arm64) or macOS (arm64). If you use an index of your own, check that it has this version.
file-with-other-hash = The file that was downloaded for { $package } is not one of those listed in requirements/: its SHA-256 is { $sha256 }. It was not installed. It may have been damaged on the way, so run the command again. If this happens again, the index (`pip config list`) has another file under this name: find out why before you install it.
