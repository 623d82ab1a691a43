package event

import (
	"strconv"
	"strings"
	"time"
)

// Format writes the value as people read it, missing for one that is not there.
func (v Value) Format(missing string) string {
	if v.presence != Present {
		return missing
	}
	switch v.kind {
	case TypeString:
		return strings.Clone(v.str)
	case TypeInt:
		return strconv.FormatInt(int64(v.num), 10)
	case TypeUint, TypePort, TypeDuration:
		return strconv.FormatUint(v.num, 10)
	case TypeBool:
		return strconv.FormatBool(v.num != 0)
	case TypeIP:
		return v.ip.String()
	case TypeTime:
		return time.Unix(0, int64(v.num)).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	case TypeList:
		return "(" + strings.Join(v.list, ",") + ")"
	}
	return missing
}

// Any returns the value as encoding/json wants it: nil for one that is not
// there, a number, a truth value, a string or a list of strings. It borrows
// nothing.
func (v Value) Any() any {
	if v.presence != Present {
		return nil
	}
	switch v.kind {
	case TypeInt:
		return int64(v.num)
	case TypeUint, TypePort, TypeDuration:
		return v.num
	case TypeBool:
		return v.num != 0
	case TypeList:
		return v.Clone().list
	}
	return v.Format("")
}
