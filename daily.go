package rotatelog

import (
	"cmp"
	"hash"
	"math"
	"slices"
	"strings"

	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/packed"
)

// dayKey names a day's object. A day has one: it keeps the compression that it
// began with.
type dayKey struct {
	day  Day
	pack Compression
}

// keyMiddle stands between the name of a stream and the day.
const keyMiddle = "_json_log_"

// key returns the key of the object. An empty prefix is just that; the default
// of Config.Prefix is for Config to fill in.
func (o dayKey) key(prefix, name string) string {
	key := prefix + name + keyMiddle + o.day.String() + ".json"
	if o.pack != Uncompressed {
		key += "." + o.pack.suffix()
	}
	return key
}

// parseKey returns the day's object that a key names, and what comes before the day's
// own part of the key. ok is false if it names none.
func parseKey(key string) (prefixName string, o dayKey, ok bool) {
	i := strings.LastIndex(key, keyMiddle)
	if i < 0 {
		return "", dayKey{}, false
	}
	date, suffix, _ := strings.Cut(key[i+len(keyMiddle):], ".")
	day, err := ParseDay(date)
	if err != nil {
		return "", dayKey{}, false
	}
	o.day = day
	if _, compressed, found := strings.Cut(suffix, "."); found {
		o.pack, _ = packOf(compressed)
	}
	return key[:i], o, o.key(key[:i], "") == key
}

// String returns the day, and how it is compressed if it is: 2025-07-10-zst.
func (o dayKey) String() string {
	if o.pack != Uncompressed {
		return o.day.String() + "-" + o.pack.suffix()
	}
	return o.day.String()
}

// MarshalText implements [encoding.TextMarshaler].
func (o dayKey) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (o *dayKey) UnmarshalText(b []byte) (err error) {
	day := string(b)
	if i := strings.LastIndexByte(day, '-'); i > 0 {
		if pack, ok := packOf(day[i+1:]); ok {
			day, o.pack = day[:i], pack
		}
	}
	o.day, err = ParseDay(day)
	return err
}

func (o dayKey) compare(p dayKey) int {
	return cmp.Or(o.day.Compare(p.day), cmp.Compare(o.pack, p.pack))
}

// upload is one batch, as it is to become an entry of the day's object. Its
// upload_sequence is not here: it depends on what the batch is appended to.
type upload struct {
	Timestamp string // when the batch was sealed, as 07/10/2025 12:01:00 AM EDT
	Matches   int64
	Fetches   int
	ID        string // 8 to 64 letters and digits, never used before
	SHA256    string // as upload.checksum returns it; "" in entries from before there was one
	Data      []byte // the fetches, each compact, with fetchSeparator between them

	// sum is that of the text of Data, where a packed.Writer has made Data of the fetches
	// and entryClose.
	sum packed.Checksum
}

// The text around the parts of an entry. Each entry and each fetch begins a line.
const (
	fetchSeparator = daytext.Separator
	entrySeparator = daytext.Separator
	entryClose     = daytext.UploadEnd
	headClose      = "," + daytext.HeadEnd
)

// head returns the head of the entry that u becomes.
func (u upload) head(sequence int) daytext.Head {
	return daytext.Head{Sequence: int64(sequence), Timestamp: u.Timestamp, Matches: u.Matches, Fetches: u.Fetches, ID: u.ID, SHA256: u.SHA256}
}

// parseHead parses the line of a head as a Writer makes it, without its line end. ok is
// false if it is another.
func parseHead(line []byte) (u upload, sequence int, ok bool) {
	h, err := daytext.ParseHead(line)
	return upload{Timestamp: h.Timestamp, Matches: h.Matches, Fetches: h.Fetches, ID: h.ID, SHA256: h.SHA256}, int(h.Sequence), err == nil
}

// checksum returns the upload_sha256 of u, of whose fetches text has hashed the text.
func (u upload) checksum(text hash.Hash) string { return u.head(0).Checksum(text) }

// validUploadID reports whether s has the form of the ids that a Writer makes.
func validUploadID(s string) bool { return daytext.ValidID(s) }

// dayState is what must be known of a day's object to append to it: where the
// two texts go that change, and what they add up to. Its own size does not
// depend on the day's. It is a value; append returns another one.
//
// An object in one of our own layouts is written again around its entries. Any
// other keeps its bytes: an append makes two edits, which replace our fields in
// daily_metadata, wherever that is, and insert entries after the last one.
//
// A compressed object always has a layout of ours, in pieces as internal/packed describes.
// Begin and end are then where the pieces of the entries do, and fields and tail
// mean nothing.
type dayState struct {
	size   int64  // of the object, in bytes; for newDocument, of its frame
	fields span   // our fields, or what is to be replaced by them
	begin  int64  // just after the '[' of the entries
	end    int64  // just after the last entry, or after the '[' of no entries
	tail   string // the text from end to size without our fields; "" if that is long

	pack Compression
	sum  packed.Checksum // of the text of the entries, if they are compressed

	// What to write around our fields, where they are not yet an object's first
	// members. Empty once we have appended.
	before, after string

	totals       Totals
	first, last  string     // upload_timestamp of the first and the last entry
	lastSequence int        // the largest so far, and never less than the number of entries
	recent       []uploadID // the last maxRecent entries, or all of them; newest last
	since        int        // recent holds every entry after this sequence; 0: every entry
}

// span is n bytes at off of an object.
type span struct{ off, n int64 }

// uploadID identifies an entry. The id is "" if the entry has none
// that a Writer could have made.
type uploadID struct {
	sequence int
	id       string
}

const (
	maxRecent = 16   // ids that the metadata holds
	maxTail   = 64   // bytes after the last entry that are kept as text
	maxCache  = 1600 // bytes of metadata; S3 allows 2 KB for all of it
)

// newDocument returns the document of a day that has no object yet. To append
// to it yields parts that are all Data.
func newDocument(o dayKey) dayState {
	if o.pack != Uncompressed {
		return dayState{totals: Totals{Day: o.day}, pack: o.pack}
	}
	begin := int64(len(firstFields + firstUploads))
	return dayState{
		totals: Totals{Day: o.day},
		size:   begin + int64(len(firstClose)),
		fields: span{off: int64(len(firstFields))},
		begin:  begin,
		end:    begin,
		tail:   firstClose,
	}
}

// append returns the parts that make the object with uploads appended, each its
// own entry, in the layout that it has, and what is then to be known of it,
// provided that the store has applied them. The sequences follow d.lastSequence;
// next.find returns them. Nothing large is copied: the parts refer to
// each upload's Data.
func (d dayState) append(uploads ...upload) (parts []Part, next dayState) {
	return d.appendAs(d.layout(), uploads...)
}

// grow returns d with uploads counted, their entries, and the size of those.
func (d dayState) grow(uploads []upload) (next dayState, entries [][]byte, grown int64) {
	next = d
	next.recent = slices.Clone(d.recent)
	for _, u := range uploads {
		head := []byte("\n")
		if next.totals.Uploads > 0 {
			head = []byte(entrySeparator)
		}
		next.add(int64(next.lastSequence)+1, u)
		head = u.head(next.lastSequence).Append(head)
		entry := [][]byte{head, u.Data, []byte(entryClose)}
		if d.pack != Uncompressed {
			entry = [][]byte{d.pack.format().AppendStored(nil, head, false), u.Data}
			next.sum = next.sum.Join(packed.ChecksumOf(head)).Join(u.sum)
		}
		for _, text := range entry {
			grown += int64(len(text))
		}
		entries = append(entries, entry...)
		next.first = cmp.Or(next.first, u.Timestamp)
	}
	return next, entries, grown
}

// appendSpliced is append for a layout that is not ours: two edits, which replace our
// fields and insert entries after the last one.
func (d dayState) appendSpliced(uploads []upload) (parts []Part, next dayState) {
	next, entries, grown := d.grow(uploads)
	fields := next.appendFields([]byte(d.before))
	written := span{d.fields.off + int64(len(d.before)), int64(len(fields) - len(d.before))}
	fields = append(fields, d.after...)
	more := int64(len(fields)) - d.fields.n

	next.size = d.size + grown + more
	next.end = d.end + grown
	next.fields = written
	if d.fieldsInTail() {
		next.fields.off += grown
	} else {
		next.begin += more
		next.end += more
	}
	next.tail = d.nextTail()
	next.before, next.after = "", ""
	return d.splice(fields, entries), next
}

// add counts an entry. The sequence that counts for it is returned: the
// entry's own, if that is larger than all before it, as those that we give are.
func (d *dayState) add(sequence int64, u upload) int {
	d.totals.Uploads++
	d.totals.Fetches = addFetches(d.totals.Fetches, u.Fetches)
	d.totals.Matches = addClamped(d.totals.Matches, u.Matches)
	d.lastSequence = countedSequence(max(d.lastSequence, d.totals.Uploads), sequence)
	if d.totals.Uploads == 1 {
		d.first = u.Timestamp
	}
	d.last = u.Timestamp
	if !validUploadID(u.ID) {
		u.ID = ""
	}
	d.recent = append(d.recent, uploadID{d.lastSequence, u.ID})
	if len(d.recent) > maxRecent {
		d.since = d.recent[0].sequence
		d.recent = d.recent[1:]
	}
	return d.lastSequence
}

// countedSequence returns the sequence that counts for an entry: its own, if it is larger
// than last, and otherwise last. A larger step than this is no sequence, and following it
// could overflow.
func countedSequence(last int, own int64) int {
	if own > int64(last) && own-int64(last) <= math.MaxInt32 && own <= math.MaxInt {
		return int(own)
	}
	return last
}

// addClamped adds two counts. One of another program may be absurd.
func addClamped(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// addFetches is addClamped for numbers of fetches.
func addFetches(a, b int) int { return int(min(addClamped(int64(a), int64(b)), math.MaxInt)) }

// appendFields appends our members of daily_metadata.
func (d dayState) appendFields(dst []byte) []byte {
	t := d.totals
	return daytext.Metadata{Date: t.Day.String(), Uploads: t.Uploads, Matches: t.Matches, First: d.first, Last: d.last, Fetches: t.Fetches}.Append(dst)
}

// parseFields returns what appendFields says of a day's object. ok is false if it has not
// made that text.
func parseFields(o dayKey, text []byte) (d dayState, ok bool) {
	m, err := daytext.ParseMetadata(text)
	t := Totals{Day: o.day, Uploads: m.Uploads, Fetches: m.Fetches, Matches: m.Matches}
	return dayState{pack: o.pack, totals: t, first: m.First, last: m.Last}, err == nil && m.Date == o.day.String()
}

// Find returns the sequence of the entry with that id, if it is a recent one.
func (d dayState) find(id string) (sequence int, ok bool) {
	for _, r := range slices.Backward(d.recent) {
		if r.id == id && id != "" {
			return r.sequence, true
		}
	}
	return 0, false
}

// covers reports whether every entry after that sequence is a recent one, so
// that an id which find does not know is on none of them.
func (d dayState) covers(sequence int) bool { return sequence >= d.since }

// splice returns the parts that make the object with our fields replaced and entries
// inserted after the last one. Everything else is kept: copied, except for a known tail,
// which becomes Data so that no store need read it back.
func (d dayState) splice(fields []byte, entries [][]byte) (parts []Part) {
	f := d.fields
	if !d.fieldsInTail() {
		parts = appendCopy(parts, 0, f.off)
		parts = appendData(parts, fields)
		parts = appendCopy(parts, f.off+f.n, d.end)
		parts = appendData(parts, entries...)
		return d.appendTail(parts, d.end, d.size, d.tail)
	}
	before, after := d.splitTail()
	parts = appendCopy(parts, 0, d.end)
	parts = appendData(parts, entries...)
	parts = d.appendTail(parts, d.end, f.off, before)
	parts = appendData(parts, fields)
	return d.appendTail(parts, f.off+f.n, d.size, after)
}

// appendTail appends the bytes from off to end, which come after the entries and are
// text if the tail is known.
func (d dayState) appendTail(parts []Part, off, end int64, text string) []Part {
	if d.tail == "" {
		return appendCopy(parts, off, end)
	}
	return appendData(parts, []byte(text))
}

// appendCopy appends a copy of the bytes from off to end.
func appendCopy(parts []Part, off, end int64) []Part {
	if off == end {
		return parts
	}
	return append(parts, Copy(off, end-off))
}

// appendData appends texts, each joined to the one before it if both are small.
func appendData(parts []Part, texts ...[]byte) []Part {
	const small = 1 << 10
	for _, text := range texts {
		n := len(parts)
		switch {
		case len(text) == 0:
		case n > 0 && parts[n-1].Data != nil && len(parts[n-1].Data)+len(text) <= small:
			parts[n-1].Data = slices.Concat(parts[n-1].Data, text) // never into the spare room of an upload's Data
		default:
			parts = append(parts, Data(text))
		}
	}
	return parts
}

// fieldsInTail reports whether our fields come after the entries. With a known
// tail, an append is then one copy and one text.
func (d dayState) fieldsInTail() bool { return d.fields.off >= d.end }

// splitTail returns a known tail before our fields and after them.
func (d dayState) splitTail() (before, after string) {
	if !d.fieldsInTail() || d.tail == "" {
		return d.tail, ""
	}
	at := d.fields.off - d.end
	return d.tail[:at], d.tail[at:]
}

// nextTail returns the tail after an append.
func (d dayState) nextTail() string {
	before, after := d.splitTail()
	tail := before + after
	if d.tail != "" && d.fieldsInTail() {
		tail = before + d.before + d.after + after
	}
	if len(tail) > maxTail {
		return ""
	}
	return tail
}
