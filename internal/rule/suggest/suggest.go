package suggest

import (
	"fmt"
	"strings"
)

// DidYouMean returns the hint "did you mean X?" with the known name that is
// closest to what was written, "" if none is close. work bounds the effort over
// a whole load, so that many wrong names among many known ones stay cheap; nil
// is no bound.
func DidYouMean(written string, known []string, work *int) string {
	if best := Closest(written, known, work); best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return ""
}

// maxSuggested is the longest name that is compared.
const maxSuggested = 64

// Closest returns the known name that DidYouMean suggests, "" if none is close.
func Closest(written string, known []string, work *int) string {
	if len(written) < 2 || len(written) > maxSuggested {
		return ""
	}
	best, limit := "", 2 // one more than the mistakes that a typing error has
	switch {
	case len(written) > 11:
		limit = 4
	case len(written) > 4:
		limit = 3
	}
	if work != nil {
		if *work -= len(known) / 8; *work <= 0 {
			return ""
		}
	}
	if begun := begunName(written, known); begun != "" {
		return begun
	}
	for _, name := range known {
		if work != nil {
			if *work--; *work <= 0 {
				return best
			}
		}
		if len(name)-len(written) >= limit || len(written)-len(name) >= limit {
			continue
		}
		if d := Distance(written, name, limit); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// begunName returns the shortest known name that begins with what was written,
// in any case; "" if that is too little to tell, or much is missing.
func begunName(written string, known []string) string {
	best := ""
	for _, name := range known {
		if strings.EqualFold(name, written) {
			return name
		}
		if len(written) >= 4 && len(name) > len(written) && len(name) <= len(written)+8 &&
			strings.EqualFold(name[:len(written)], written) && (best == "" || len(name) < len(best)) {
			best = name
		}
	}
	return best
}

// Distance counts the letters to change, add, leave out or swap with their
// neighbour to get from a to b; it stops counting at limit. Letters of another
// case count as the same.
func Distance(a, b string, limit int) int {
	var rows [3][maxSuggested*2 + 1]int
	if len(b) > maxSuggested*2 {
		return limit
	}
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
