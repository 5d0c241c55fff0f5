package rotatelog

// layout says where daily_metadata stands in an object. It can be told from
// what document knows, since the frame around the entries is always the same.
//
//	metadataFirst  {"daily_metadata":{…},"uploads":[…]}    a small day, and a closed one
//	metadataLast   {"uploads":[…],"daily_metadata":{…}}    a large day that goes on
//	foreign        anything else, begun by another program
//
// With the metadata last an append is a copy of the beginning and a text, which
// a server can join without anyone moving the day.
//
// A foreign object keeps its layout at every size, and is never closed: its
// members are not ours to move.
type layout int

const (
	foreign layout = iota
	metadataFirst
	metadataLast
)

// The frames, without entries and without our fields.
const (
	firstFields  = `{"daily_metadata":{`
	firstUploads = "},\n" + `"uploads":[`
	firstClose   = "\n]}\n"

	lastUploads = `{"uploads":[`
	lastFields  = "\n],\n" + `"daily_metadata":{`
	lastClose   = "}}\n"
)

// largeDay is the size from which a day is large, in bytes: S3 copies no less
// into a part that is not the last.
const largeDay = 5 << 20

// layout returns the layout of the object. The spans leave no room for anything
// but our frame, and metadataFirst for one character of white space.
func (d document) layout() layout {
	f := d.fields
	switch {
	case d.before != "" || d.after != "":
		return foreign // our fields do not stand together yet
	case f.off == int64(len(firstFields)) && d.begin == f.off+f.n+int64(len(firstUploads)) && d.tail == firstClose:
		return metadataFirst
	case d.begin == int64(len(lastUploads)) && f.off == d.end+int64(len(lastFields)) && d.tail == lastFields+lastClose:
		return metadataLast
	}
	return foreign
}

// appendWithin is append for a day that goes on: it turns to metadataLast when the
// object would reach the size of a large one.
func (d document) appendWithin(large int64, uploads ...upload) (parts []Part, next document) {
	parts, next = d.append(uploads...)
	if next.layout() == metadataFirst && next.size >= large {
		return d.appendAs(metadataLast, uploads...)
	}
	return parts, next
}

// appendAs is append that gives the object the layout to, unless it is foreign.
// Without uploads it only rearranges. Of the old object only entries are copied,
// and what stands before them if that stays.
func (d document) appendAs(to layout, uploads ...upload) (parts []Part, next document) {
	from := d.layout()
	if from == foreign {
		return d.appendSpliced(uploads)
	}
	next, entries, grown := d.grow(uploads)
	fields := next.appendFields(nil)
	var head, tail []byte
	if to == metadataLast {
		head = []byte(lastUploads)
		tail = append(append([]byte(lastFields), fields...), lastClose...)
		next.tail = lastFields + lastClose
	} else {
		head = append(append([]byte(firstFields), fields...), firstUploads...)
		tail = []byte(firstClose)
		next.tail = firstClose
	}
	kept := span{d.begin, d.end - d.begin}
	next.begin = int64(len(head))
	next.end = next.begin + kept.n + grown
	next.size = next.end + int64(len(tail))
	next.fields = span{int64(len(firstFields)), int64(len(fields))}
	if to == metadataLast {
		next.fields.off = next.end + int64(len(lastFields))
	}

	if from == metadataLast && to == metadataLast {
		head, kept = nil, span{0, d.end}
	}
	parts = appendData(nil, head)
	if kept.n > 0 {
		parts = append(parts, Copy(kept.off, kept.n))
	}
	for _, text := range append(entries, tail) {
		parts = appendData(parts, text)
	}
	return parts, next
}
