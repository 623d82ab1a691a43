package oci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goshawk-security/goshawk/internal/event"
)

// What is kept of one container at most. Kubernetes allows 63 bytes in the value
// of a label, and Docker any number.
const (
	maxLabels = 256
	maxMounts = 256
	maxList   = 1024 // of anything else
	maxIPs    = 16
	maxName   = 512 // bytes of a name or a label's key
	maxText   = 4 << 10
	maxCNI    = 16 << 10
	maxAll    = 64 << 10 // bytes of all labels of one kind
)

// Name bounds a name and makes it UTF-8.
func Name(s string) string { return clean(s, maxName) }

// Text is Name for what may be longer: paths, options, values.
func Text(s string) string { return clean(s, maxText) }

// CNI returns a network plugin's result. What is too long is dropped, since half
// of it would not be JSON.
func CNI(s string) string {
	if len(s) > maxCNI {
		return ""
	}
	return clean(s, maxCNI)
}

func clean(s string, limit int) string {
	if len(s) > limit {
		end := limit
		for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = strings.Clone(s[:end])
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Labels bounds labels. Of too many the first by name stay, so that the same ones
// stay every time.
func Labels(all map[string]string) map[string]string {
	if len(all) == 0 {
		return nil
	}
	kept, bytes := make(map[string]string, min(len(all), maxLabels)), 0
	for _, key := range slices.Sorted(maps.Keys(all)) {
		k, v := Name(key), Text(all[key])
		if bytes += len(k) + len(v); len(kept) == maxLabels || bytes > maxAll {
			break
		}
		kept[k] = v
	}
	return kept
}

// Mounts bounds mounts.
func Mounts(all []event.Mount) []event.Mount {
	all = all[:min(len(all), maxMounts)]
	for i := range all {
		m := &all[i]
		m.Source, m.Destination, m.Mode = Text(m.Source), Text(m.Destination), Name(m.Mode)
	}
	return slices.Clip(all)
}

// IPs bounds addresses and leaves out empty ones.
func IPs(all []string) []string {
	var kept []string
	for _, ip := range all {
		if ip != "" && len(ip) <= maxName && len(kept) < maxIPs {
			kept = append(kept, Name(ip))
		}
	}
	return kept
}

// list is a JSON array of which no more than maxList elements are kept, however
// long it is.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return notA("list", t, err)
	}
	*l = nil
	for d.More() && len(*l) < maxList {
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// table is a JSON object of strings, bounded in the same way.
type table map[string]string

func (o *table) UnmarshalJSON(data []byte) (err error) {
	*o, err = pairs(data, func(string) bool { return true })
	return err
}

// annotations is a table of those annotations alone that are read, so that others,
// however many, take no room from them.
type annotations map[string]string

func (o *annotations) UnmarshalJSON(data []byte) (err error) {
	*o, err = pairs(data, wanted)
	return err
}

// pairs reads a JSON object of strings as far as its keys are wanted.
func pairs(data []byte, wanted func(key string) bool) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, notA("object", t, err)
	}
	all := map[string]string{}
	for d.More() && len(all) < maxList {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if key, ok := key.(string); ok && wanted(key) {
			all[key] = value
		}
	}
	return all, nil
}

// notA accepts null, as encoding/json does.
func notA(what string, t json.Token, err error) error {
	if t == nil {
		return err
	}
	return fmt.Errorf("%v where a JSON %s belongs", t, what)
}
