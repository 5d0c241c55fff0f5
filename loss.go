package rotatelog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// loss is what an object no longer holds of what was confirmed, or seen, in it.
type loss struct {
	body     []entry // what the body that is kept still holds
	uploaded []batch // what only uploaded/ still holds

	nowhere []int // upload_sequences of what nothing on this machine holds
	fetches int   // how many those had; -1 if that is not known
}

func (l loss) isNone() bool { return len(l.body)+len(l.uploaded)+len(l.nowhere) == 0 }

// kept is what is still known of a day besides its object.
type kept struct {
	seen     lastSeen    // the zero value if nothing is remembered
	body     []entry     // of the last body in the spool
	whole    []byte      // that body
	uploaded []confirmed // in order
}

// confirmed is a batch in uploaded/, and its entry as it was in the object.
type confirmed struct {
	batch
	entry entry
}

// lossOf compares all entries of an object with what is known of it.
func lossOf(k kept, have []entry) loss {
	l := loss{body: lacking(k.body, have)}
	held := slices.Concat(have, k.body)
	for _, c := range k.uploaded {
		if len(lacking([]entry{c.entry}, held)) > 0 {
			l.uploaded = append(l.uploaded, c.batch)
		}
	}
	l.nowhere, l.fetches = k.nowhere(have)
	return l
}

// maxGap is how many uploads in a row may be nowhere. A stranger's upload_sequence can
// be any number.
const maxGap = 100_000

// nowhere returns the upload_sequences of which there is nothing left, neither in the
// object nor on this machine, and how many fetches they had, -1 if that is not known.
func (k kept) nowhere(have []entry) (sequences []int, fetches int) {
	known := k.stillThere(have) // fetches of each upload, by sequence
	for _, e := range k.all() {
		known[e.sequence] = e.Fetches
	}
	last := k.seen.Last
	for sequence := range known {
		last = max(last, sequence)
	}
	switch uploads := k.seen.Uploads; {
	case uploads == 0 && len(have) > 0: // there is nothing to go by
		return nil, -1
	case uploads > 0 && uploads < k.seen.Last && len(known) >= uploads: // it had gaps before
		return nil, -1
	case last-len(known) > maxGap:
		return nil, -1
	}
	left := 0
	for sequence := 1; sequence <= last; sequence++ {
		if n, ok := known[sequence]; !ok {
			sequences = append(sequences, sequence)
		} else if sequence <= k.seen.Last {
			left = addFetches(left, n)
		}
	}
	if k.seen.Uploads == 0 {
		return sequences, -1
	}
	return sequences, max(k.seen.Fetches-left, 0)
}

// all returns the entries that are known from this machine.
func (k kept) all() []entry {
	all := slices.Clone(k.body)
	for _, c := range k.uploaded {
		all = append(all, c.entry)
	}
	return all
}

// stillThere returns, of the uploads that the object held when it was last seen, those
// that it still holds, and how many fetches each has. Entries of which nothing else is
// known are among them if the object begins as it did: it is then an older version, or
// has had entries taken out. Otherwise it is somebody else's.
func (k kept) stillThere(have []entry) map[int]int {
	there := map[int]int{}
	same := k.seen.First == "" || len(have) > 0 && have[0].Timestamp == k.seen.First
	last := cmp.Or(k.seen.Last, 1<<30)
	for _, e := range have {
		if same && e.sequence <= last {
			there[e.sequence] = e.Fetches
		}
	}
	for _, e := range k.all() {
		if len(lacking([]entry{e}, have)) == 0 {
			there[e.sequence] = e.Fetches
		}
	}
	return there
}

// sentence says what is gone, what becomes of it, and where to look for the rest.
func (l loss) sentence() string {
	body := sequencesOf(l.body)
	var uploaded []int
	for _, u := range l.uploaded {
		uploaded = append(uploaded, u.sequence)
	}
	gone := slices.Concat(body, uploaded, l.nowhere)
	var b strings.Builder
	fmt.Fprintf(&b, "%s that the object held %s gone: somebody removed or replaced it", ranges(gone), verb(gone))
	if len(body) > 0 {
		fmt.Fprintf(&b, "; %s %s put back from the last body in the spool", ranges(body), verb(body))
	}
	if len(uploaded) > 0 {
		fmt.Fprintf(&b, "; %s %s uploaded again from uploaded/", ranges(uploaded), verb(uploaded))
	}
	if len(l.nowhere) > 0 {
		of := ""
		if l.fetches >= 0 {
			of = " (" + plural(l.fetches, "fetch", "fetches") + ")"
		}
		fmt.Fprintf(&b, "; %s%s %s nowhere on this machine: look for a backup of the object, or for an older version of it in the bucket",
			ranges(l.nowhere), of, verb(l.nowhere))
	}
	b.WriteString(". If another Writer uses the same key, give each its own Name or Prefix, or set s3store.Options.Shared in both")
	return b.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func sequencesOf(entries []entry) []int {
	var sequences []int
	for _, e := range entries {
		sequences = append(sequences, e.sequence)
	}
	return sequences
}

func verb(sequences []int) string {
	if len(sequences) == 1 {
		return "is"
	}
	return "are"
}

// ranges names uploads: "uploads 1 to 4, 7, 9 and 10".
func ranges(sequences []int) string {
	sequences = slices.Compact(slices.Sorted(slices.Values(sequences)))
	var parts []string
	for i := 0; i < len(sequences); {
		j := i
		for j+1 < len(sequences) && sequences[j+1] == sequences[j]+1 {
			j++
		}
		switch {
		case j > i+1:
			parts = append(parts, fmt.Sprintf("%d to %d", sequences[i], sequences[j]))
		case j == i+1:
			parts = append(parts, fmt.Sprint(sequences[i]), fmt.Sprint(sequences[j]))
		default:
			parts = append(parts, fmt.Sprint(sequences[i]))
		}
		i = j + 1
	}
	word := "uploads "
	if len(sequences) == 1 {
		word = "upload "
	}
	if n := len(parts); n > 1 {
		return word + strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return word + strings.Join(parts, "")
}
