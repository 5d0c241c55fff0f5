package rotatelog

import (
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/packed"
)

// layout says where daily_metadata is in an object. It follows from
// what dayState knows, since the frame around the entries is always the same.
//
//	metadataFirst  {"daily_metadata":{…},"uploads":[…]}    a small day, and a closed one
//	metadataLast   {"uploads":[…],"daily_metadata":{…}}    a large day that is not over
//	foreign        anything else, begun by another program
//
// With the metadata last an append is a copy of the beginning and a text, which
// a server can join without anyone moving the day.
//
// A foreign object keeps its layout at every size, and is never closed: its
// members are not ours to move. A compressed object is none.
type layout int

const (
	foreign layout = iota
	metadataFirst
	metadataLast
)

// The frames, without entries and without our fields.
const (
	firstFields  = daytext.FirstFields
	firstUploads = daytext.FirstUploads
	firstClose   = daytext.FirstClose

	lastUploads = daytext.LastUploads
	lastFields  = daytext.LastFields
	lastClose   = daytext.LastClose
)

// largeDay is the size from which a day is large, in bytes: S3 copies no less
// into a part that is not the last.
const largeDay = 5 << 20

// layout returns the layout of the object. The spans leave no room for anything
// but our frame, and metadataFirst for one character of white space.
func (d dayState) layout() layout {
	f := d.fields
	switch {
	case d.pack != Uncompressed:
		return d.packedLayout()
	case d.before != "" || d.after != "":
		return foreign // our fields are not together yet
	case f.off == int64(len(firstFields)) && d.begin == f.off+f.n+int64(len(firstUploads)) && d.tail == firstClose:
		return metadataFirst
	case d.begin == int64(len(lastUploads)) && f.off == d.end+int64(len(lastFields)) && d.tail == lastFields+lastClose:
		return metadataLast
	}
	return foreign
}

// packedLayout is layout for a compressed object: only before the entries of
// metadataLast there is next to nothing.
func (d dayState) packedLayout() layout {
	if head, _ := d.pack.format().Frame([]byte(lastUploads), nil, packed.Checksum{}); d.begin == int64(len(head)) {
		return metadataLast
	}
	return metadataFirst
}

// appendWithin is append for a day that is not over: it turns to metadataLast when the
// object would reach the size of a large one.
func (d dayState) appendWithin(large int64, uploads ...upload) (parts []Part, next dayState) {
	parts, next = d.append(uploads...)
	if next.layout() == metadataFirst && next.size >= large {
		return d.appendAs(metadataLast, uploads...)
	}
	return parts, next
}

// appendAs is append that gives the object the layout to, unless it is foreign.
// Without uploads it only rearranges. Of the old object only entries are copied,
// and what is before them if that stays.
func (d dayState) appendAs(to layout, uploads ...upload) (parts []Part, next dayState) {
	from := d.layout()
	if from == foreign {
		return d.appendSpliced(uploads)
	}
	next, entries, grown := d.grow(uploads)
	head, tail := next.frame(to)
	kept := span{d.begin, d.end - d.begin}
	next.begin = int64(len(head))
	next.end = next.begin + kept.n + grown
	next.size = next.end + int64(len(tail))
	if next.pack == Uncompressed {
		next.placeFrame(to)
	}

	if from == metadataLast && to == metadataLast {
		head, kept = nil, span{0, d.end}
	}
	parts = appendData(nil, head)
	parts = appendCopy(parts, kept.off, kept.off+kept.n)
	parts = appendData(parts, entries...)
	return appendData(parts, tail), next
}

// adopted returns the parts that make the object of a new owner, and what is then to be
// known of it: the same day in other bytes, since a store may know versions by their
// content, and of two machines that adopt the same version only one may succeed. Nor may
// it soon be what it was again.
func (d dayState) adopted() (parts []Part, next dayState) {
	switch d.layout() {
	case foreign: // the one that it has, with a space more
		d.after += " "
		return d.appendSpliced(nil)
	case metadataFirst:
		return d.appendAs(metadataLast)
	default:
		return d.appendAs(metadataFirst)
	}
}

// frame returns what is before the entries and after them in that layout.
func (d dayState) frame(to layout) (head, tail []byte) {
	fields := d.appendFields(nil)
	if to == metadataLast {
		head = []byte(lastUploads)
		tail = append(append([]byte(lastFields), fields...), lastClose...)
	} else {
		head = append(append([]byte(firstFields), fields...), firstUploads...)
		tail = []byte(firstClose)
	}
	if d.pack != Uncompressed {
		return d.pack.format().Frame(head, tail, d.sum)
	}
	return head, tail
}

// shortFrame reports whether our fields leave room in a head or a tail, so that an
// append cannot make it too long.
func (d dayState) shortFrame() bool { return len(d.appendFields(nil)) <= packed.MaxFrame/4 }

// placeFrame sets where our fields are in that layout, and the text of its tail.
func (d *dayState) placeFrame(to layout) {
	d.tail = firstClose
	d.fields = span{int64(len(firstFields)), int64(len(d.appendFields(nil)))}
	if to == metadataLast {
		d.tail = lastFields + lastClose
		d.fields.off = d.end + int64(len(lastFields))
	}
}
