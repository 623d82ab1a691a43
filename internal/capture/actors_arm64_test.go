package capture_test

// arm64 has no creat; the number is nobody's.
const (
	hasCreat = false
	sysCreat = 1 << 20
)
