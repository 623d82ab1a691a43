package check

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
	"github.com/goshawk-security/goshawk/internal/rule/syntax"
)

// typeNames say in errors what a literal must be.
var typeNames = map[event.ValueType]string{
	event.TypeString:   "a text",
	event.TypeInt:      "a number",
	event.TypeUint:     "a number that is not negative",
	event.TypeBool:     "true or false",
	event.TypeIP:       "an address or a network",
	event.TypePort:     "a port, 0 to 65535",
	event.TypeDuration: "a duration, as 5s or nanoseconds",
	event.TypeTime:     "a time, as 2006-01-02T15:04:05Z or nanoseconds since 1970",
	event.TypeList:     "a text",
}

// errNotOfType says that a literal is not of its field's type.
var errNotOfType = errors.New("not of the type")

// convert gives a literal the value that it has as type t.
func convert(l *rule.Literal, t event.ValueType) error {
	switch t {
	case event.TypeString, event.TypeList:
		l.Value = event.String(l.Text)
	case event.TypeInt:
		n, err := parseInt(l.Text)
		l.Value = event.Int(n)
		return err
	case event.TypeUint:
		n, err := parseUint(l.Text)
		l.Value = event.Uint(n)
		return err
	case event.TypePort:
		n, err := parseUint(l.Text)
		if err != nil || n > math.MaxUint16 {
			return errNotOfType
		}
		l.Value = event.Port(uint16(n))
	case event.TypeBool:
		if l.Text != "true" && l.Text != "false" {
			return errNotOfType
		}
		l.Value = event.Bool(l.Text == "true")
	case event.TypeDuration:
		n, err := parseDuration(l.Text)
		l.Value = event.Duration(n)
		return err
	case event.TypeTime:
		n, err := parseTime(l.Text)
		l.Value = event.Time(n)
		return err
	case event.TypeIP:
		return convertNet(l)
	default:
		return fmt.Errorf("fields of type %d cannot be compared", t)
	}
	return nil
}

// convertNet reads an address or a network. Bits behind the mask do not count,
// and IPv4 within IPv6 is IPv4, as in the values it is compared with.
func convertNet(l *rule.Literal) error {
	if strings.Contains(l.Text, "/") {
		p, err := netip.ParsePrefix(l.Text)
		if err != nil {
			return errNotOfType
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		l.Net = p.Masked()
		return nil
	}
	a, err := netip.ParseAddr(l.Text)
	if err != nil || a.Zone() != "" {
		return errNotOfType
	}
	a = a.Unmap()
	l.Value = event.IP(a)
	l.Net = netip.PrefixFrom(a, a.BitLen())
	return nil
}

// digits takes the base from a number: decimal or 0x.
func digits(s string) (string, int) {
	if rest, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		return rest, 16
	}
	return s, 10
}

func parseUint(s string) (uint64, error) {
	text, base := digits(strings.TrimPrefix(s, "+"))
	n, err := strconv.ParseUint(text, base, 64)
	if err == nil {
		return n, nil
	}
	f, err := whole(s)
	if err != nil || f < 0 || f >= 1<<64 {
		return 0, errNotOfType
	}
	return uint64(f), nil
}

func parseInt(s string) (int64, error) {
	sign, rest := "", s
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		sign, rest = s[:1], s[1:]
	}
	text, base := digits(rest)
	if !strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "+") {
		if n, err := strconv.ParseInt(sign+text, base, 64); err == nil {
			return n, nil
		}
	}
	f, err := whole(s)
	if err != nil || f < -1<<63 || f >= 1<<63 {
		return 0, errNotOfType
	}
	return int64(f), nil
}

// whole reads a number with a fraction or an exponent whose value is whole:
// Falco allows 1e3.
func whole(s string) (float64, error) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, errNotOfType
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) {
		return 0, errNotOfType
	}
	return f, nil
}

func parseDuration(s string) (uint64, error) {
	if n, err := parseUint(s); err == nil {
		return n, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errNotOfType
	}
	return uint64(d), nil
}

func parseTime(s string) (uint64, error) {
	if n, err := parseUint(s); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2261 {
		return 0, errNotOfType
	}
	return uint64(t.UnixNano()), nil
}

// allows tells whether an operator can be used with a type of field.
func allows(o rule.Op, t event.ValueType) bool {
	switch o {
	case rule.OpEq, rule.OpNe:
		return t != event.TypeList
	case rule.OpIn:
		return true
	case rule.OpIntersects:
		return t != event.TypeBool
	case rule.OpLt, rule.OpLe, rule.OpGt, rule.OpGe:
		switch t {
		case event.TypeInt, event.TypeUint, event.TypePort, event.TypeDuration, event.TypeTime:
			return true
		}
		return false
	case rule.OpContains, rule.OpIContains, rule.OpStartsWith, rule.OpEndsWith, rule.OpGlob, rule.OpPMatch:
		return t == event.TypeString
	}
	return false
}

// allowed lists the operators of a type, for a hint.
func allowed(t event.ValueType) string {
	var names []string
	for _, o := range rule.Ops() {
		if allows(o, t) {
			names = append(names, o.String())
		}
	}
	return strings.Join(append(names, syntax.WordExists), " ")
}
