package archive

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/lines"
	"example.com/rotatelog/internal/rawjson"
)

// check verifies a day in one pass over its text.
type check struct {
	Report
	archive rotatelog.Archive
	opts    VerifyOptions
	day     *rotatelog.DayText
	meta    rotatelog.DayMetadata
	known   bool // meta is what the metadata beside the object says
	in      *lines.Reader
	next    []byte                    // a line that was read and not used
	at      int64                     // where the last line begins
	whole   func(rotatelog.DayUpload) // is called with each upload that is whole, if set
	partial func(remains)             // is called with what is left of those that are not, if set
	loose   *remains                  // the fetches that follow belong to it
	texts   *texts                    // of the day
	unlike  []int                     // uploads of a foreign day that a Writer cannot render

	metadataLast bool             // daily_metadata is after the uploads
	stated       daytext.Metadata // daily_metadata, as it stands in the text
	uncounted    bool             // it does not say how many fetches there are, as the script's does not
	told         [Error + 1]int   // findings, by severity
	broken       bool             // something in the text is broken, so that its sums say nothing more

	first, last string // upload_timestamps
	sequence    int    // the last
	seen        known  // the uploads that were read
	unchecked   int    // uploads without a checksum
	checked     int    // uploads with one
	times       times
	counts      counts
	examiner    examiner
	sum         hash.Hash
}

const defaultMaxFetchBytes = 64 << 20

func newCheck(ctx context.Context, a rotatelog.Archive, day rotatelog.Day, opts VerifyOptions) (*check, error) {
	r, err := a.Text(ctx, day)
	if err != nil {
		return nil, err
	}
	if opts.MaxFetchBytes <= 0 {
		opts.MaxFetchBytes = cmp.Or(a.MaxFetchBytes, defaultMaxFetchBytes)
	}
	if a, err = withLocation(a); err != nil {
		return nil, err
	}
	m, known := r.Metadata()
	c := &check{
		Report:  Report{Day: day, Key: m.Key, Version: m.Version, Size: m.Size, Totals: rotatelog.Totals{Day: day}},
		archive: a, opts: opts, day: r, meta: m, known: known, seen: newKnown(opts), sum: sha256.New(),
		texts: &texts{ctx: ctx, archive: a, day: r},
	}
	c.examiner.opts = &c.opts
	return c, nil
}

// maxText bounds the text of a finding, in bytes, whatever stands in the day.
const maxText = 1000

// find adds a finding about the day, an upload or a fetch.
func (c *check) find(code Code, upload, fetch int, format string, args ...any) {
	told := &c.told[severity(code)]
	if *told == maxFindings {
		c.More++
		return
	}
	*told++
	text := fmt.Sprintf(format, args...)
	if len(text) > maxText {
		text = strings.ToValidUTF8(strings.Clone(text[:maxText]), "") + "…"
	}
	f := Finding{Code: code, Day: c.Day, Key: c.Key, Upload: upload, Fetch: fetch, Text: text}
	if f.Severity() == Error || code == SequenceGap {
		f.Next = fmt.Sprintf("rotatelog restore %v", c.Day)
	}
	c.Findings = append(c.Findings, f)
}

// instead sets what to do about the last finding.
func (c *check) instead(next string) { c.Findings[len(c.Findings)-1].Next = next }

// damage is find for what breaks the text.
func (c *check) damage(code Code, upload, fetch int, format string, args ...any) {
	c.broken = true
	c.find(code, upload, fetch, format, args...)
}

// place says how far the day was read.
func (c *check) place() string {
	if c.Totals.Uploads == 0 {
		return "before the first upload"
	}
	return fmt.Sprintf("after upload %d", c.Totals.Uploads)
}

// read reads the text. Its error says that the store could not be read.
func (c *check) read(ctx context.Context) error {
	if c.Size == 0 {
		c.damage(Empty, 0, 0, "the object is empty")
		return nil
	}
	if ours, err := c.isOurs(ctx); err != nil {
		return err
	} else if !ours {
		ok, err := c.foreign(ctx)
		if err != nil {
			return err
		}
		if ok {
			c.sums()
			return nil
		}
	}
	return c.readLines(ctx)
}

// isOurs reports whether the day is in a layout of a Writer, as far as its first bytes and
// the metadata beside it say.
func (c *check) isOurs(ctx context.Context) (bool, error) {
	if c.known {
		return c.meta.Layout != "foreign", nil
	}
	text := c.day.Open(ctx)
	defer text.Close()
	begin := make([]byte, len(daytext.FirstFields))
	switch _, err := io.ReadFull(text, begin); {
	case errors.Is(err, rotatelog.ErrDamaged):
		return true, nil
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return false, err
	}
	return string(begin) == daytext.FirstFields || strings.HasPrefix(string(begin), daytext.LastUploads), nil
}

// readLines reads a day of a Writer line by line. What was found before says that it is
// none; then it only looks for uploads that are whole.
func (c *check) readLines(ctx context.Context) error {
	found := len(c.Findings)
	salvage := c.broken
	if salvage {
		c.partial = nil // lines of another program may look like fetches
		c.Totals = rotatelog.Totals{Day: c.Day}
		c.sequence, c.unchecked, c.seen, c.times = 0, 0, newKnown(c.opts), times{}
		defer func() { c.Findings = c.Findings[:found] }()
	}
	text := c.day.Open(ctx)
	defer text.Close()
	c.in = lines.NewReader(text, int(c.opts.MaxFetchBytes)+len(daytext.UploadEnd+daytext.FetchEnd))
	err := c.document()
	switch {
	case err == io.ErrUnexpectedEOF || err == io.EOF:
		c.damage(Truncated, 0, 0, "it ends in the middle, %s", c.place())
	case errors.Is(err, lines.ErrTooLong):
		c.damage(Fetch, c.Totals.Uploads, 0, "the line at byte %d is longer than %d bytes, which MaxFetchBytes may allow", c.at, c.opts.MaxFetchBytes)
	case errors.Is(err, rotatelog.ErrDamaged):
		c.damage(Compressed, 0, 0, "%s: %v", c.place(), err)
	case err != nil:
		return err
	}
	c.sums()
	return nil
}

// line returns the next line. An error is the end of the text, or the reader's.
func (c *check) line() ([]byte, error) {
	if c.next != nil {
		line := c.next
		c.next = nil
		return line, nil
	}
	c.at = c.in.Offset()
	line, err := c.in.Next()
	if err != nil {
		return nil, err
	}
	whole, ok := bytes.CutSuffix(line, []byte("\n"))
	if !ok {
		return whole, io.ErrUnexpectedEOF
	}
	return whole, nil
}

// unread has line return a line once more.
func (c *check) unread(line []byte) { c.next = line }

// document reads the whole text.
func (c *check) document() error {
	metadataFirst, err := c.begin()
	if err != nil {
		return err
	}
	if metadataFirst, err = c.uploads(metadataFirst); err != nil {
		return err
	}
	c.metadataLast = !metadataFirst
	return c.end(metadataFirst)
}

// begin reads the frame before the uploads.
func (c *check) begin() (metadataFirst bool, err error) {
	line, err := c.line()
	if err != nil {
		return false, err
	}
	if string(line) == daytext.LastUploads {
		return false, nil
	}
	before, after, _ := strings.Cut(daytext.FirstUploads, "\n")
	members, ok := strings.CutPrefix(string(line), daytext.FirstFields)
	members, closed := strings.CutSuffix(members, before)
	if !ok || !closed {
		c.damage(Frame, 0, 0, "it does not begin as a Writer begins a day")
		return false, nil
	}
	c.metadata(members)
	if line, err = c.line(); err == nil && string(line) != after {
		c.damage(Frame, 0, 0, "the line that begins the uploads is not as a Writer writes it")
	}
	return true, err
}

// metadata parses the members of daily_metadata.
func (c *check) metadata(members string) {
	m, err := daytext.ParseMetadata([]byte(members))
	if err != nil {
		c.damage(Frame, 0, 0, "%v", err)
		return
	}
	c.stated = m
	if m.Date != c.Day.String() {
		c.find(Date, 0, 0, "date is %s", m.Date)
	}
}

// closing returns the line after the last upload.
func closing(metadataFirst bool) string {
	if metadataFirst {
		return strings.Trim(daytext.FirstClose, "\n")
	}
	line, _, _ := strings.Cut(strings.TrimPrefix(daytext.LastFields, "\n"), "\n")
	return line
}

// uploads reads all uploads, and the line after the last, which tells where
// daily_metadata stands.
func (c *check) uploads(metadataFirst bool) (bool, error) {
	more := true // uploads should follow
	defer func() { c.leave(c.loose) }()
	for {
		line, err := c.line()
		if err != nil {
			return false, err
		}
		switch {
		case daytext.IsHead(line):
			if !more && !c.broken {
				c.damage(Frame, c.Totals.Uploads+1, 0, "the upload before it ends as the last one")
			}
			c.leave(c.loose)
			c.loose = nil
			if more, err = c.upload(line); err != nil {
				return false, err
			}
		case string(line) == closing(metadataFirst), c.broken && string(line) == closing(!metadataFirst):
			if more && c.Totals.Uploads > 0 && !c.broken {
				c.damage(Frame, c.Totals.Uploads, 0, "another upload should follow it")
			}
			return string(line) == closing(true), nil
		case c.loose != nil:
			c.keep(c.loose, line, c.at)
		case !c.broken:
			c.damage(Frame, c.Totals.Uploads, 0, "after it stands a line that is neither an upload nor the end of them: %s", rawjson.Excerpt(line))
		}
	}
}

// end reads the frame after the uploads.
func (c *check) end(metadataFirst bool) error {
	if !metadataFirst {
		line, err := c.line()
		if err != nil {
			return err
		}
		_, begin, _ := strings.Cut(strings.TrimPrefix(daytext.LastFields, "\n"), "\n")
		members, ok := strings.CutPrefix(string(line), begin)
		members, closed := strings.CutSuffix(members, strings.TrimSuffix(daytext.LastClose, "\n"))
		if !ok || !closed {
			c.damage(Frame, 0, 0, "daily_metadata, after the uploads, is not as a Writer writes it")
		} else {
			c.metadata(members)
		}
	}
	switch line, err := c.line(); {
	case err == io.EOF:
		return nil
	case err == nil || err == io.ErrUnexpectedEOF:
		if len(line) == 0 {
			line, _ = c.line()
		}
		if daytext.IsOldScript(line) {
			c.damage(More, 0, 0, "the script that rotatelog replaces has written after the end of the day: stop it before the day is restored")
			return nil
		}
		c.damage(More, 0, 0, "something follows the end of the day")
		return nil
	default:
		return err
	}
}

// upload reads an upload, whose head is line, and reports whether another should follow.
func (c *check) upload(line []byte) (more bool, err error) {
	h, err := daytext.ParseHead(line)
	c.Totals.Uploads++
	place := c.Totals.Uploads
	if err != nil {
		c.damage(Head, place, 0, "%v: %s", err, rawjson.Excerpt(line))
		before := cmp.Or(c.last, c.Day.Start(c.location()).Format(rotatelog.TimeLayout)) // it was sealed after that
		c.loose = &remains{Head: daytext.Head{Sequence: int64(c.sequence) + 1, Timestamp: before}, says: idIn(line), certain: true}
		return true, nil // how many its fetches are is not known
	}
	if h.Sequence < 1 || h.Sequence > math.MaxInt32 {
		c.find(Sequence, place, 0, "its upload_sequence is %d", h.Sequence)
	} else {
		place = int(h.Sequence)
	}
	begin := c.at
	c.head(h, place)
	return c.fetches(h, place, begin, int64(len(line))+1)
}

// idIn returns the upload_id that stands in a head that is broken, "" if there is none.
func idIn(head []byte) string {
	_, after, _ := bytes.Cut(head, []byte(`"upload_id":"`))
	id, _, _ := bytes.Cut(after, []byte(`"`))
	if !daytext.ValidID(string(id)) {
		return ""
	}
	return string(id)
}

// fetches reads the fetches of an upload, whose head is at begin.
func (c *check) fetches(h daytext.Head, place int, begin, head int64) (more bool, err error) {
	c.sum.Reset()
	t := tally{upload: place, whole: true, left: &remains{Head: h}}
	record := func(e examined, f facts) { c.record(&t, e, f) }
	defer c.examiner.drain(record)
	end := daytext.NextFetch
	textEnd := begin + head
	left := t.left
	left.Sequence = int64(place)
	for n := 1; n <= h.Fetches; n++ {
		line, err := c.line()
		if err != nil {
			c.examiner.drain(record)
			left.certain = true
			c.leave(left)
			return false, err
		}
		if daytext.IsHead(line) || string(line) == closing(true) || string(line) == closing(false) {
			c.damage(FetchCount, place, 0, "fetches_in_upload is %d, it holds %d", h.Fetches, n-1)
			c.unread(line)
			c.examiner.drain(record)
			left.certain = true
			c.leave(left)
			return true, nil
		}
		var fetch []byte
		if fetch, end = daytext.CutFetch(line, n == h.Fetches); end == daytext.Broken {
			c.damage(Fetch, place, n, "its line does not end as a Writer ends it")
			c.examiner.drain(record)
			t.whole, left.certain = false, true
			c.keep(left, line, c.at)
			continue
		}
		if n > 1 {
			c.sum.Write([]byte(daytext.Separator))
		}
		c.sum.Write(fetch)
		textEnd = c.at + int64(len(fetch))
		c.examiner.add(examined{line, len(fetch), n, c.at}, record)
		c.Totals.Fetches++
	}
	c.Totals.Matches = addClamped(c.Totals.Matches, h.Matches)
	c.examiner.drain(record)
	if !t.whole {
		c.loose = left
	}
	if t.whole {
		c.seen.setText(h.ID, c.sum.Sum(nil))
		t.whole = c.checksum(h, place)
		if c.opts.Count != nil && t.matches != h.Matches {
			c.differs(place, h.Matches, t.matches)
		}
	}
	if t.whole && c.whole != nil {
		c.whole(rotatelog.DayUpload{Sequence: place, Timestamp: h.Timestamp, Matches: h.Matches, FetchCount: h.Fetches, ID: h.ID, SHA256: h.SHA256,
			Off: begin, Len: textEnd + int64(len(daytext.UploadEnd)) - begin, Size: textEnd - begin - head})
	}
	return end == daytext.NextUpload, nil
}

// checksum compares the checksum of an upload, and reports whether it does not differ.
func (c *check) checksum(h daytext.Head, place int) bool {
	switch {
	case h.SHA256 == "":
		if c.unchecked++; c.checked > 0 {
			c.find(NoChecksum, place, 0, "it has no upload_sha256, and the uploads before it have")
		}
	case h.SHA256 != h.Checksum(c.sum):
		c.checked++
		c.find(Checksum, place, 0, "it was changed (%s)", c.describe(h))
		return false
	default:
		c.checked++
	}
	return true
}

// describe says which upload it is, the last that was read, as "02:29 PM, fetches 861 to
// 870".
func (c *check) describe(h daytext.Head) string {
	fetches := fmt.Sprintf("fetches %d to %d", c.Totals.Fetches-h.Fetches+1, c.Totals.Fetches)
	if h.Fetches == 1 {
		fetches = fmt.Sprintf("fetch %d", c.Totals.Fetches)
	}
	if t, err := time.ParseInLocation(rotatelog.TimeLayout, h.Timestamp, c.location()); err == nil {
		return c.clock(t.Unix()) + ", " + fetches
	}
	return fetches
}

// head checks the head of an upload against those before it.
func (c *check) head(h daytext.Head, place int) {
	switch {
	case place <= c.sequence:
		c.find(Sequence, place, 0, "its upload_sequence is %d, after %d", h.Sequence, c.sequence)
	case place > c.sequence+1:
		c.find(SequenceGap, place, 0, "%s before it", missingUploads(c.sequence+1, place-1))
	}
	c.sequence = max(c.sequence, place)
	switch before, twice := c.seen.place(h.ID); {
	case !daytext.ValidID(h.ID):
		c.find(ID, place, 0, "its upload_id is %q", h.ID)
	case twice:
		c.find(IDTwice, place, 0, "its upload_id, %s, is that of upload %d, too", h.ID, before)
	}
	if daytext.ValidID(h.ID) { // a made one may be long
		c.seen.add(h.ID, place, h.SHA256)
	}
	t, err := time.ParseInLocation(rotatelog.TimeLayout, h.Timestamp, c.location())
	if err != nil || rotatelog.DayOf(t, c.location()) != c.Day {
		c.find(Timestamp, place, 0, "its upload_timestamp is %q", h.Timestamp)
	} else {
		c.uploadTime(t, place)
	}
	if c.Totals.Uploads == 1 {
		c.first = h.Timestamp
	}
	c.last = h.Timestamp
}

func missingUploads(from, to int) string {
	if from == to {
		return fmt.Sprintf("upload %d is missing", from)
	}
	return fmt.Sprintf("uploads %d to %d are missing", from, to)
}
