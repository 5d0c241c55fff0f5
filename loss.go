package rotatelog

import (
	"cmp"
	"fmt"
	"maps"
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

// missing returns how many fetches are nowhere on this machine; -1 if that is not known.
func (l loss) missing() int {
	if len(l.nowhere) == 0 {
		return 0
	}
	if l.fetches <= 0 {
		return -1
	}
	return l.fetches
}

func (l loss) isNone() bool { return len(l.body)+len(l.uploaded)+len(l.nowhere) == 0 }

// kept is what is still known of a day besides its object.
type kept struct {
	seen     lastSeen    // the zero value if nothing is remembered
	body     []entry     // of the last body in the spool
	whole    []byte      // that body; nil if some of it does not count
	uploaded []confirmed // in order
}

// confirmed is a batch in uploaded/, and its entry as it was in the object.
type confirmed struct {
	batch
	entry entry
}

// distrust takes out of the body what somebody had changed in the object before it was
// kept, and uploaded/ has as it was.
func (k *kept) distrust() {
	good := map[string]bool{}
	for _, c := range k.uploaded {
		good[c.id] = c.entry.isRead()
	}
	n := len(k.body)
	k.body = slices.DeleteFunc(k.body, func(e entry) bool { return e.changed && good[e.ID] })
	if len(k.body) < n {
		k.whole = nil
	}
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

// changed returns those of l.body that are put back though they are not as they were.
func (l loss) changed() []int {
	return sequencesOf(slices.DeleteFunc(slices.Clone(l.body), func(e entry) bool { return !e.changed }))
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
	if changed := l.changed(); len(changed) > 0 {
		fmt.Fprintf(&b, "; %s %s not as uploaded, as upload_sha256 shows, since somebody had changed the object before: restore the day from another copy", ranges(changed), verb(changed))
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

// differences returns what is wrong with a version of a day's object that no Writer
// left, each with the upload that it is about: compared with what is known of the day,
// and each entry with itself. What is gone is for lossOf to say. exclusive says that
// all entries should be of this Writer, and mine which are known to be, by id.
func differences(k kept, c census, exclusive bool, mine map[string]bool) []string {
	d := comparison{kept: k, exclusive: exclusive, mine: mine, was: map[string]entry{}, exact: map[string]bool{}, named: map[int]bool{}}
	for _, c := range k.uploaded {
		d.was[c.entry.ID] = c.entry
	}
	for _, e := range k.body {
		d.was[e.ID], d.exact[e.ID] = e, true
	}
	delete(d.was, "")
	for _, e := range c.entries {
		d.entry(e)
	}
	d.sums(c.entries)
	d.counts(c.entries)
	d.checksums(c.entries)
	d.totals(c)
	return d.found
}

// comparison collects differences.
type comparison struct {
	kept
	exclusive bool
	mine      map[string]bool
	was       map[string]entry // what is known from this machine, by id
	exact     map[string]bool  // of which matches_in_upload is known, not only counted again

	found []string
	named map[int]bool // the sequences of the uploads in found
	now   Totals       // the sums of the entries that were there when the object was last seen
}

func (d *comparison) add(sequence int, format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf("upload %d: ", sequence)+fmt.Sprintf(format, args...))
	d.named[sequence] = true
}

// entry compares an entry with itself, and with what it was.
func (d *comparison) entry(e entry) {
	if e.stated >= 0 && e.stated != int64(e.Fetches) {
		d.add(e.sequence, "fetches_in_upload is %d, it holds %d", e.stated, e.Fetches)
	}
	was, known := d.was[e.ID]
	switch {
	case known && e.sequence != was.sequence:
		d.add(e.sequence, "its upload_sequence is %d, and was %d", e.written, was.sequence)
	case validUploadID(e.ID) && e.written != int64(e.sequence):
		d.add(e.sequence, "its upload_sequence is %d", e.written)
	}
	switch {
	case known:
		d.contents(e, was)
	case d.renamed(e):
	case d.exclusive && d.seen.Uploads > 0 && e.sequence > d.lastOwn() && !d.mine[e.ID]:
		d.add(e.sequence, "this Writer did not upload it")
	}
}

// lastOwn returns an upload_sequence up to which this Writer may have uploaded without
// anything being left of that: a power cut can bring back what was remembered earlier.
func (d *comparison) lastOwn() int {
	last := d.seen.Last
	for _, c := range d.uploaded {
		last = max(last, c.sequence)
	}
	return last
}

// contents compares an entry with what it was.
func (d *comparison) contents(e, was entry) {
	if !was.isRead() {
		return
	}
	if e.Fetches != was.Fetches {
		d.add(e.sequence, "it holds %d fetches, and held %d", e.Fetches, was.Fetches)
	} else if e.text != was.text {
		d.add(e.sequence, "the text of its fetches has changed")
	}
	if e.Timestamp != was.Timestamp {
		d.add(e.sequence, "its upload_timestamp is %q, and was %q", e.Timestamp, was.Timestamp)
	}
}

// spoiled returns how many fetches are in entries whose checksum does not fit, and of
// which there is no copy on this machine.
func (k kept) spoiled(have []entry) (fetches int) {
	copies := map[string]bool{}
	for _, e := range k.all() {
		copies[e.ID] = copies[e.ID] || e.isRead() && !e.changed
	}
	for _, e := range have {
		if e.SHA256 != "" && e.SHA256 != e.sha256 && !copies[e.ID] {
			fetches = addFetches(fetches, e.Fetches)
		}
	}
	return fetches
}

// renamed reports whether an entry is a known one, but for the id.
func (d *comparison) renamed(e entry) bool {
	for _, id := range slices.Sorted(maps.Keys(d.was)) {
		if d.was[id].isUnder(e) {
			d.add(e.sequence, "its upload_id is %q, and was %q", e.ID, id)
			return true
		}
	}
	return false
}

// sums adds up the entries that were there when the object was last seen, and compares
// how many they are. If there are fewer it is a loss.
func (d *comparison) sums(entries []entry) {
	for _, e := range entries {
		if e.sequence <= d.seen.Last {
			d.now.Uploads++
			d.now.Fetches = addFetches(d.now.Fetches, e.Fetches)
			d.now.Matches = addClamped(d.now.Matches, e.Matches)
		}
	}
	if d.seen.Uploads == 0 || d.now.Uploads < d.seen.Uploads {
		return
	}
	if d.now.Uploads > d.seen.Uploads {
		d.found = append(d.found, fmt.Sprintf("%d of the uploads 1 to %d were not there before", d.now.Uploads-d.seen.Uploads, d.seen.Last))
	}
	if d.now.Fetches != d.seen.Fetches {
		d.found = append(d.found, fmt.Sprintf("uploads 1 to %d hold %d fetches, and held %d", d.seen.Last, d.now.Fetches, d.seen.Fetches))
	}
}

// counts compares matches_in_upload with what it was where that is known, and otherwise
// with what the fetches count by Config.Count. If that disagrees with most entries it
// is not the rule that they were counted by, and only their sum says something.
func (d *comparison) counts(entries []entry) {
	var wrong []entry
	counted, reported := 0, false
	for _, e := range entries {
		was := d.was[e.ID]
		switch {
		case d.exact[e.ID] && e.ID != "":
			if reported = reported || e.Matches != was.Matches; e.Matches != was.Matches {
				d.add(e.sequence, "matches_in_upload is %d, its fetches count %d", e.Matches, was.Matches)
			}
		case validUploadID(e.ID) && (d.exclusive || d.mine[e.ID] || d.sumChanged()):
			if counted++; e.Matches != e.counted {
				wrong = append(wrong, e)
			}
		}
	}
	if len(wrong) <= max(1, counted/2) {
		for _, e := range wrong {
			d.add(e.sequence, "matches_in_upload is %d, its fetches count %d", e.Matches, e.counted)
			reported = true
		}
	}
	if d.sumChanged() && !reported {
		d.found = append(d.found, fmt.Sprintf("uploads 1 to %d have %d matches, and had %d", d.seen.Last, d.now.Matches, d.seen.Matches))
	}
}

// checksums compares each entry in which nothing else was found with its upload_sha256.
func (d *comparison) checksums(entries []entry) {
	for _, e := range entries {
		if e.SHA256 != "" && e.SHA256 != e.sha256 && !d.named[e.sequence] {
			d.add(e.sequence, "its upload_sha256 does not fit: the text of its fetches or of its head has changed")
		}
	}
}

// sumChanged reports whether the uploads that were there before have another number of
// matches.
func (d *comparison) sumChanged() bool {
	return d.seen.Uploads > 0 && d.now.Uploads == d.seen.Uploads && d.now.Matches != d.seen.Matches
}

// totals compares daily_metadata with the sums of the entries. What follows from a
// difference that was found in an entry is not worth another.
func (d *comparison) totals(c census) {
	if len(d.found) > 0 {
		return
	}
	var sum Totals
	for _, e := range c.entries {
		sum.Uploads++
		sum.Fetches = addFetches(sum.Fetches, e.Fetches)
		sum.Matches = addClamped(sum.Matches, e.Matches)
	}
	for _, t := range []struct {
		name string
		sum  int64
	}{{"total_uploads", int64(sum.Uploads)}, {"total_fetches_today", int64(sum.Fetches)}, {"total_matches_today", sum.Matches}} {
		if stated, ok := c.totals[t.name]; ok && stated != t.sum {
			d.found = append(d.found, fmt.Sprintf("daily_metadata: %s is %d, the uploads add up to %d", t.name, stated, t.sum))
		}
	}
}
