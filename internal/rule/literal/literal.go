package literal

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/goshawk-security/goshawk/internal/event"

	"github.com/goshawk-security/goshawk/internal/rule"
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

// Name says what a literal of a type must be: "a port, 0 to 65535".
func Name(t event.ValueType) string { return typeNames[t] }

// ErrType says that a literal is not of its field's type.
var ErrType = errors.New("not of the type")

// Form is how the text of a literal is read, besides the type of its field.
type Form uint8

// The forms.
const (
	Plain Form = iota
	Hex        // of bcontains and bstartswith
	Regex
)

// FormOf returns the form that an operator asks for.
func FormOf(op rule.Op) Form {
	switch op {
	case rule.OpBContains, rule.OpBStartsWith:
		return Hex
	case rule.OpRegex:
		return Regex
	}
	return Plain
}

// Reader reads the literals of one load: it bounds what regular expressions may
// take together.
type Reader struct{ regex budget }

// Read gives a literal the value that it has with a type and an operator.
func (r *Reader) Read(l *rule.Literal, t event.ValueType, op rule.Op) error {
	switch FormOf(op) {
	case Hex:
		b, err := hex.DecodeString(l.Text)
		if err != nil {
			return fmt.Errorf("%q is no row of bytes in hexadecimal, as %s needs: 2f62 stands for /b", l.Text, op)
		}
		l.Value = event.String(string(b))
		return nil
	case Regex:
		l.Value = event.String(l.Text)
		return r.regex.check(l.Text)
	}
	return convert(l, t)
}

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
		n, known := services[l.Text]
		if u, err := parseUint(l.Text); err == nil && u <= math.MaxUint16 {
			n, known = uint16(u), true
		}
		if !known {
			return ErrType
		}
		l.Value = event.Port(n)
	case event.TypeBool:
		if l.Text != "true" && l.Text != "false" {
			return ErrType
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

// services are the usual names of ports: Falco asks the machine on which it
// runs.
var services = map[string]uint16{
	"ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68,
	"tftp": 69, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123, "netbios-ns": 137,
	"netbios-ssn": 139, "imap2": 143, "snmp": 161, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445,
	"syslog": 514, "submission": 587, "ldaps": 636, "rsync": 873, "imaps": 993, "pop3s": 995, "nfs": 2049,
	"mysql": 3306, "ms-wbt-server": 3389, "postgresql": 5432, "amqp": 5672, "redis": 6379,
}

// convertNet reads an address or a network. Bits behind the mask do not count,
// and IPv4 within IPv6 is IPv4, as in the values it is compared with.
func convertNet(l *rule.Literal) error {
	if strings.Contains(l.Text, "/") {
		p, err := netip.ParsePrefix(l.Text)
		if err != nil {
			return ErrType
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		l.Net = p.Masked()
		return nil
	}
	a, err := netip.ParseAddr(l.Text)
	if err != nil || a.Zone() != "" {
		return ErrType
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
		return 0, ErrType
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
		return 0, ErrType
	}
	return int64(f), nil
}

// whole reads a number with a fraction or an exponent whose value is whole:
// Falco allows 1e3.
func whole(s string) (float64, error) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, ErrType
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) {
		return 0, ErrType
	}
	return f, nil
}

func parseDuration(s string) (uint64, error) {
	if n, err := parseUint(s); err == nil {
		return n, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, ErrType
	}
	return uint64(d), nil
}

func parseTime(s string) (uint64, error) {
	if n, err := parseUint(s); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2261 {
		return 0, ErrType
	}
	return uint64(t.UnixNano()), nil
}
