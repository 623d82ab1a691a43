package capture_test

// arm64 has no creat; what the test expects of it is not seen there.
const sysCreat = 1 << 20
