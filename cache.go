package rotatelog

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"example.com/rotatelog/internal/packed"
)

// cacheKey names the object's metadata that holds the document. Its value is
// one URL query, which consists of characters that no store changes:
//
//	v         2; 1 had no begin, and an object with that is read once more
//	day       2025-07-10
//	pack      zstd or gzip, of a compressed object
//	size      of the object; every other value is of an object of this size
//	fields    offset and length of our fields, as 19-230; not of a compressed object
//	begin     offset just after the '[' of the entries
//	end       offset just after the last entry
//	tail      the text after that without our fields; empty if not known; not of a compressed object
//	text      CRC-32 and length of the text of the entries, as 3735928559-18600000, of a compressed object
//	uploads, fetches, matches    the totals
//	first, last                  upload_timestamp of the first and the last entry
//	sequence  the last
//	since     recent holds every entry after this sequence
//	recent    sequence.id of each, joined by "-"; the id may be empty
const (
	cacheKey     = "rotatelog"
	cacheVersion = "2"
)

// meta returns what documentFromMeta reads: the document, as metadata of the
// object that it describes. It is nil if that would be too long, or if we have
// not yet appended.
func (d dayState) meta() map[string]string {
	if d.before != "" || d.after != "" {
		return nil
	}
	recent := make([]string, len(d.recent))
	for i, r := range d.recent {
		recent[i] = fmt.Sprintf("%d.%s", r.sequence, r.id)
	}
	q := url.Values{}
	set := func(name string, value any) { q.Set(name, fmt.Sprint(value)) }
	set("v", cacheVersion)
	set("day", d.totals.Day)
	set("size", d.size)
	set("begin", d.begin)
	set("end", d.end)
	if d.pack == Uncompressed {
		set("fields", fmt.Sprintf("%d-%d", d.fields.off, d.fields.n))
		set("tail", d.tail)
	} else {
		set("pack", d.pack)
		set("text", fmt.Sprintf("%d-%d", d.sum.CRC, d.sum.N))
	}
	set("uploads", d.totals.Uploads)
	set("fetches", d.totals.Fetches)
	set("matches", d.totals.Matches)
	set("first", d.first)
	set("last", d.last)
	set("sequence", d.lastSequence)
	set("since", d.since)
	set("recent", strings.Join(recent, "-"))
	value := q.Encode()
	if len(value) > maxCache {
		return nil
	}
	return map[string]string{cacheKey: value}
}

// documentFromMeta returns the document that meta wrote. It is false if there
// is none, if it is not of that day or of an object of that size, or if
// anything about it is odd: then the object must be read.
func documentFromMeta(o dayKey, obj Object) (dayState, bool) {
	q, err := url.ParseQuery(obj.Meta[cacheKey])
	if err != nil || q.Get("v") != cacheVersion || q.Get("day") != o.day.String() {
		return dayState{}, false
	}
	// What does not parse becomes 0 here, and fails the comparison below.
	number := func(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
	count := func(name string) int { return int(number(q.Get(name))) }
	pair := func(name string) (int64, int64) {
		a, b, _ := strings.Cut(q.Get(name), "-")
		return number(a), number(b)
	}
	off, n := pair("fields")
	crc, length := pair("text")
	d := dayState{
		size:         number(q.Get("size")),
		fields:       span{off, n},
		begin:        number(q.Get("begin")),
		end:          number(q.Get("end")),
		tail:         q.Get("tail"),
		pack:         o.pack,
		sum:          packed.Checksum{CRC: uint32(crc), N: length},
		totals:       Totals{Day: o.day, Uploads: count("uploads"), Fetches: count("fetches"), Matches: number(q.Get("matches"))},
		first:        q.Get("first"),
		last:         q.Get("last"),
		lastSequence: count("sequence"),
		since:        count("since"),
	}
	if q.Get("recent") != "" {
		for s := range strings.SplitSeq(q.Get("recent"), "-") {
			sequence, id, _ := strings.Cut(s, ".")
			d.recent = append(d.recent, uploadID{int(number(sequence)), id})
		}
	}
	if d.size != obj.Size || !d.consistent() || d.meta()[cacheKey] != obj.Meta[cacheKey] {
		return dayState{}, false
	}
	return d, true
}

// consistent reports whether d can be of an object that we have appended to.
func (d dayState) consistent() bool { return d.consistentSpans() && d.consistentRecent() }

// consistentSpans demands that our fields be as long as what we write, which
// also ties the totals to the spans: a wrong span would cut entries out.
func (d dayState) consistentSpans() bool {
	if d.pack != Uncompressed {
		return d.consistentPieces()
	}
	n := int64(len(d.appendFields(nil)))
	if d.fields.n != n || d.fields.off <= 0 || d.fields.off > d.size-n || d.begin <= 0 || d.begin > d.end || len(d.tail) > maxTail {
		return false
	}
	last, tail := d.end, d.size-d.end
	if d.fieldsInTail() {
		last = d.fields.off + n
		tail -= n
	} else if d.fields.off+n >= d.begin {
		return false
	}
	return last < d.size && (d.tail == "" || int64(len(d.tail)) == tail)
}

// consistentPieces is consistentSpans for a compressed object.
func (d dayState) consistentPieces() bool {
	head, tail := d.frame(d.layout())
	none := d.totals.Uploads == 0
	return d.shortFrame() && d.begin == int64(len(head)) && d.begin <= d.end && d.end == d.size-int64(len(tail)) &&
		d.sum.N >= 0 && none == (d.begin == d.end) && none == (d.sum.N == 0)
}

func (d dayState) consistentRecent() bool {
	t := d.totals
	if t.Uploads < 0 || t.Fetches < 0 || t.Matches < 0 || len(d.recent) != min(t.Uploads, maxRecent) {
		return false
	}
	older := t.Uploads - len(d.recent)
	if d.since < older || older == 0 && d.since != 0 {
		return false
	}
	last := d.since
	for i, r := range d.recent {
		if r.sequence < max(last, older+i+1) || r.id != "" && !validUploadID(r.id) {
			return false
		}
		last = r.sequence
	}
	return last == d.lastSequence
}
