package event

import (
	"net/netip"
	"strings"
)

// Presence is the first thing to know of a value.
type Presence uint8

// The four kinds of value.
const (
	// Absent: the event has no such thing. Falco's missing value: every
	// comparison with it is false.
	Absent Presence = iota
	// Present: the value is known.
	Present
	// Pending: metadata is on its way. A comparison is neither true nor false
	// (Kleene's unknown) until it is there or a deadline made it absent.
	Pending
	// Unreadable: the event has it, but it could not be read (another thread
	// took the memory away). Comparisons are false, exists is true.
	Unreadable
)

// ValueType says which of a value's parts holds it.
type ValueType uint8

// The types of value.
const (
	TypeString   ValueType = iota
	TypeInt                // signed
	TypeUint               // unsigned
	TypeBool               //
	TypeIP                 // an address
	TypePort               // a port number, compared as a number
	TypeDuration           // nanoseconds
	TypeTime               // nanoseconds since the Unix epoch
	TypeList               // strings
)

// Value is what a field has for one event. The zero Value is absent.
//
// Strings are borrowed: they are valid until the event is reused. Clone makes
// a value that is not.
type Value struct {
	presence Presence
	kind     ValueType
	num      uint64
	str      string
	ip       netip.Addr
	list     []string
}

// String makes a present string.
func String(s string) Value { return Value{presence: Present, kind: TypeString, str: s} }

// OptionalString makes a present string, absent if s is empty.
func OptionalString(s string) Value {
	if s == "" {
		return Value{}
	}
	return String(s)
}

// Int makes a present signed number.
func Int(n int64) Value { return Value{presence: Present, kind: TypeInt, num: uint64(n)} }

// Uint makes a present unsigned number.
func Uint(n uint64) Value { return Value{presence: Present, kind: TypeUint, num: n} }

// Bool makes a present truth value.
func Bool(b bool) Value {
	v := Value{presence: Present, kind: TypeBool}
	if b {
		v.num = 1
	}
	return v
}

// IP makes a present address, absent if a is not valid.
func IP(a netip.Addr) Value {
	if !a.IsValid() {
		return Value{}
	}
	return Value{presence: Present, kind: TypeIP, ip: a.Unmap()}
}

// Port makes a present port.
func Port(p uint16) Value { return Value{presence: Present, kind: TypePort, num: uint64(p)} }

// Duration makes a present duration of n nanoseconds.
func Duration(n uint64) Value { return Value{presence: Present, kind: TypeDuration, num: n} }

// Time makes a present instant, n nanoseconds after the Unix epoch.
func Time(n uint64) Value { return Value{presence: Present, kind: TypeTime, num: n} }

// List makes a present list of strings.
func List(l []string) Value { return Value{presence: Present, kind: TypeList, list: l} }

// Missing makes a value without content: Absent, Pending or Unreadable.
func Missing(p Presence) Value { return Value{presence: p} }

// Presence says whether the value is there.
func (v Value) Presence() Presence { return v.presence }

// IsPresent is short for Presence() == Present.
func (v Value) IsPresent() bool { return v.presence == Present }

// Type says which accessor has the content. It means nothing unless Present.
func (v Value) Type() ValueType { return v.kind }

// Str is the content of a string.
func (v Value) Str() string { return v.str }

// Int is the content of a signed number.
func (v Value) Int() int64 { return int64(v.num) }

// Uint is the content of a number, a port, a duration, a time or a truth value.
func (v Value) Uint() uint64 { return v.num }

// Bool is the content of a truth value.
func (v Value) Bool() bool { return v.num != 0 }

// Addr is the content of an address; IPv4 in IPv6 is unmapped.
func (v Value) Addr() netip.Addr { return v.ip }

// List is the content of a list.
func (v Value) List() []string { return v.list }

// Clone copies what is borrowed.
func (v Value) Clone() Value {
	v.str = strings.Clone(v.str)
	if v.list != nil {
		list := make([]string, len(v.list))
		for i, s := range v.list {
			list[i] = strings.Clone(s)
		}
		v.list = list
	}
	return v
}
