package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Quantity is a number of bytes, written with Kubernetes' suffixes: 8MiB or 8Mi,
// 500KB or 500K, or a plain number.
type Quantity int64

// The sizes that defaults are made of.
const (
	kib Quantity = 1 << 10
	mib Quantity = 1 << 20
	gib Quantity = 1 << 30
)

// suffixes are in the order in which they are tried: the longer first.
var suffixes = []struct {
	text string
	unit Quantity
}{
	{"KiB", kib}, {"MiB", mib}, {"GiB", gib},
	{"Ki", kib}, {"Mi", mib}, {"Gi", gib},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9},
	{"B", 1},
}

// ParseQuantity reads a number of bytes.
func ParseQuantity(s string) (Quantity, error) {
	number, unit := strings.TrimSpace(s), Quantity(1)
	for _, suffix := range suffixes {
		if rest, ok := strings.CutSuffix(number, suffix.text); ok {
			number, unit = strings.TrimSpace(rest), suffix.unit
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a size: write 8MiB, 512KiB or a number of bytes", s)
	}
	if n > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return Quantity(n) * unit, nil
}

// UnmarshalText reads a quantity of the configuration file.
func (q *Quantity) UnmarshalText(text []byte) error {
	parsed, err := ParseQuantity(string(text))
	if err != nil {
		return err
	}
	*q = parsed
	return nil
}

// String writes the quantity with the largest binary suffix that keeps it whole.
func (q Quantity) String() string {
	switch {
	case q != 0 && q%gib == 0:
		return fmt.Sprintf("%dGiB", q/gib)
	case q != 0 && q%mib == 0:
		return fmt.Sprintf("%dMiB", q/mib)
	case q != 0 && q%kib == 0:
		return fmt.Sprintf("%dKiB", q/kib)
	}
	return strconv.FormatInt(int64(q), 10)
}

// MarshalText writes what UnmarshalText reads.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }
