package rotatelog

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"

	"example.com/rotatelog/internal/rawjson"
)

// entry is what a scan finds of one entry of uploads. Its Fetches are those that
// it holds, and its Data is empty.
type entry struct {
	upload
	sequence int   // that counts for it, as document.add returns it
	written  int64 // its upload_sequence; 0 if that is missing or no integer
	stated   int64 // its fetches_in_upload; -1 if it has none

	// What a census adds.
	counted int64  // the sum of Config.Count over its fetches
	text    digest // of its fetches
	sha256  string // what its upload_sha256 should be

	changed bool // since it was written: its upload_sha256 does not fit the Data that entriesOf gives it
}

// digest is the SHA-256 of the text of fetches, as an upload has them. The zero digest
// is of none.
type digest [sha256.Size]byte

// visitor is shown the entries of a document as they are read. Each of its
// functions may be nil.
type visitor struct {
	onBegin func()              // a list of fetches begins; if an entry has several the last counts
	onFetch func([]byte)        // a fetch of it, which is good until the function returns
	onEntry func(e entry)       // an entry has ended
	onTotal func(string, int64) // a total of daily_metadata
}

func (v visitor) begin() {
	if v.onBegin != nil {
		v.onBegin()
	}
}

func (v visitor) fetch(text []byte) {
	if v.onFetch != nil {
		v.onFetch(text)
	}
}

func (v visitor) entry(e entry) {
	if v.onEntry != nil {
		v.onEntry(e)
	}
}

func (v visitor) total(name string, n int64) {
	if v.onTotal != nil {
		v.onTotal(name, n)
	}
}

// census takes down all entries of a document, with what their fetches count.
type census struct {
	entries []entry
	totals  map[string]int64 // of daily_metadata, by name
	fetches tally
}

// visitor returns what makes a scan fill the census.
func (c *census) visitor(count CountFunc) visitor {
	c.totals = map[string]int64{}
	c.fetches = tally{count: count}
	return visitor{
		onBegin: c.fetches.reset,
		onFetch: c.fetches.add,
		onEntry: func(e entry) {
			e.counted, e.text = c.fetches.matches, c.fetches.digest()
			e.sha256 = c.fetches.checksum(e.upload)
			c.entries = append(c.entries, e)
			c.fetches.reset()
		},
		onTotal: func(name string, n int64) { c.totals[name] = n },
	}
}

// tally adds up the fetches of an upload.
type tally struct {
	count   CountFunc
	n       int
	matches int64
	sum     hash.Hash
	compact []byte // is used again for each fetch
}

func (t *tally) reset() { t.n, t.matches, t.sum = 0, 0, nil }

// add adds a fetch. As in an upload, one that cannot be counted counts 0.
func (t *tally) add(fetch []byte) {
	text, err := rawjson.AppendCompact(t.compact[:0], fetch)
	if err != nil { // a scan yields none
		return
	}
	t.compact = text
	if t.n++; t.n == 1 {
		t.sum = sha256.New()
	} else {
		t.sum.Write([]byte(fetchSeparator))
	}
	t.sum.Write(text)
	if !bytes.HasPrefix(text, []byte("{")) { // no Writer has counted it
		return
	}
	if n, err := checkedCount(t.count, text); err == nil {
		t.matches = addClamped(t.matches, n)
	}
}

// digest returns the checksum of the fetches.
func (t *tally) digest() (d digest) {
	if t.sum != nil {
		t.sum.Sum(d[:0])
	}
	return d
}

// checksum returns the upload_sha256 of an upload of the fetches. It comes last.
func (t *tally) checksum(u upload) string {
	if t.sum == nil {
		t.sum = sha256.New()
	}
	return u.checksum(t.sum)
}

// entriesOf returns the entries of an object of a day, each with its Data, as an
// upload that can be appended to one. They count nothing.
func entriesOf(o dayKey, body []byte) ([]entry, error) {
	entries, err := plainEntriesOf(o, body)
	for i := range entries {
		if err == nil {
			err = entries[i].pack(o.pack)
		}
	}
	return entries, err
}

// plainEntriesOf is entriesOf without compression.
func plainEntriesOf(o dayKey, body []byte) ([]entry, error) {
	var entries []entry
	var data []byte
	var failed error
	c := census{fetches: tally{count: func([]byte) (int64, error) { return 0, nil }}}
	_, _, err := scanEntries(o, bytes.NewReader(body), int64(len(body)), 0, visitor{
		onBegin: func() { data = nil; c.fetches.reset() },
		onFetch: func(fetch []byte) {
			if len(data) > 0 {
				data = append(data, fetchSeparator...)
			}
			var err error
			if data, err = rawjson.AppendCompact(data, fetch); err != nil {
				failed = err
			}
			c.fetches.add(fetch)
		},
		onEntry: func(e entry) {
			e.Data, e.text = data, c.fetches.digest()
			sum := c.fetches.checksum(e.again())
			if e.changed = e.SHA256 != "" && e.SHA256 != sum; !e.changed { // or nobody would see it any more
				e.SHA256 = sum
			}
			entries = append(entries, e)
			data = nil
			c.fetches.reset()
		},
	})
	if err != nil {
		return nil, err
	}
	return entries, failed
}

// isRead reports whether its fetches are known.
func (e entry) isRead() bool { return e.text != (digest{}) }

// again returns the upload by which an entry is put back. An entry without an id gets
// one that follows from what it holds, so that it is put back once.
func (e entry) again() upload {
	u := e.upload
	if !validUploadID(u.ID) {
		u.ID = fmt.Sprintf("%x%d", e.text[:12], e.sequence)
	}
	return u
}

// lacking returns those of want that are not in have. An entry is there if its id is,
// or if it is there under another id, or without one, and is otherwise the same.
func lacking(want, have []entry) []entry {
	ids := make(map[string]bool, len(have))
	same := make(map[digest][]entry, len(have))
	for _, e := range have {
		ids[e.ID] = true
		same[e.text] = append(same[e.text], e)
	}
	var gone []entry
	for _, e := range want {
		there := e.ID != "" && ids[e.ID] || ids[e.again().ID]
		for _, h := range same[e.text] {
			there = there || e.isUnder(h)
		}
		if !there {
			gone = append(gone, e)
		}
	}
	return gone
}

// isUnder reports whether h is e but for the id.
func (e entry) isUnder(h entry) bool {
	return e.text == h.text && e.isRead() && e.Timestamp == h.Timestamp && (e.ID == "" || e.sequence == h.sequence)
}
