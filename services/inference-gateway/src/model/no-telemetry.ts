// From 1.29 on, ONNX Runtime's builds for Linux and macOS report every session to Microsoft and keep a
// device id on disk. This switches all of it off, and must be set before the library is loaded.
// oxlint-disable-next-line node/no-process-env -- the library reads it there and nowhere else
process.env['ORT_DISABLE_TELEMETRY'] = '1'
