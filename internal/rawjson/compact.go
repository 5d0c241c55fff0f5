package rawjson

import (
	"bytes"
	"io"
)

// WriteCompact writes valid JSON without insignificant white space, as AppendCompact
// makes it, but in pieces and without a copy of text that is compact already. It ignores
// errors of w, which should be a hash.
func WriteCompact(w io.Writer, value []byte) {
	short := make([]byte, 0, 4<<10) // pieces that are too short to be worth a Write
	for len(value) > 0 {
		n := tokens(value)
		if len(short)+n > cap(short) {
			w.Write(short)
			short = short[:0]
		}
		if n > cap(short) {
			w.Write(value[:n])
		} else {
			short = append(short, value[:n]...)
		}
		for n < len(value) && isSpace(value[n]) {
			n++
		}
		value = value[n:]
	}
	w.Write(short)
}

// tokens returns how long b goes on before white space that is not in a string.
func tokens(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			i = stringEnd(b, i)
		case isSpace(c):
			return i
		}
	}
	return len(b)
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// SoleMember returns the value of the member of that name if it is the first of a valid
// object and no other member, however deep, has the name. It reads no further than that,
// and so is quicker than Lookup. ok is false if it is not sure.
func SoleMember(object []byte, name string) (value []byte, ok bool) {
	d := newDecoder(object)
	if _, err := d.ReadToken(); err != nil || d.PeekKind() != '"' {
		return nil, false
	}
	first, err := d.ReadValue()
	if err != nil || string(first) != `"`+name+`"` {
		return nil, false
	}
	v, err := d.ReadValue()
	if err != nil {
		return nil, false
	}
	value = lastRead(object, d, v)
	rest := object[d.InputOffset():]
	// The name might also be spelled with escapes of its letters.
	return value, !bytes.Contains(rest, []byte(name)) && !bytes.Contains(rest, []byte(`\u00`))
}
