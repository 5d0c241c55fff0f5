package rawjson

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Picker finds the values at several paths of member names in an object, and the elements
// of an array at another, in one pass. Of members that share a name the last one counts.
// It can be used for one object after the other.
type Picker struct {
	dec  jsontext.Decoder
	text bytes.Buffer // what dec reads, in place: raw
	raw  []byte
	root branch

	values   [][]byte // at the paths; nil where there is none
	elements [][]byte
	isArray  bool // there is an array where one is looked for
}

// branch is what is looked for below a value.
type branch struct {
	members []member
	value   int // at which place in values it goes, from 1; 0 if it is not looked for itself
	isArray bool
}

type member struct {
	name string
	*branch
}

// NewPicker returns a Picker of the values at paths, and of the elements of the array at
// another path; nil means that no array is looked for.
func NewPicker(array []string, paths ...[]string) *Picker {
	p := &Picker{values: make([][]byte, len(paths))}
	if len(array) > 0 {
		p.root.at(array).isArray = true
	}
	for i, path := range paths {
		if at := p.root.at(path); at.value == 0 {
			at.value = i + 1
		}
	}
	return p
}

// at returns the branch at a path, which it grows.
func (b *branch) at(path []string) *branch {
	for _, name := range path {
		i := slices.IndexFunc(b.members, func(m member) bool { return m.name == name })
		if i < 0 {
			b.members = append(b.members, member{name, &branch{}})
			i = len(b.members) - 1
		}
		b = b.members[i].branch
	}
	return b
}

// Pick reads an object, which must be all of raw but for white space. What it finds are
// parts of raw.
func (p *Picker) Pick(raw []byte) error {
	p.text = *bytes.NewBuffer(raw)
	p.dec.Reset(&p.text, decoding()...)
	p.raw = raw
	clear(p.values)
	p.elements, p.isArray = p.elements[:0], false
	if p.dec.PeekKind() != jsontext.KindBeginObject {
		return errors.New("want a JSON object")
	}
	if err := p.object(&p.root); err != nil {
		return SyntaxError(err)
	}
	if rest := bytes.TrimLeft(raw[p.dec.InputOffset():], Space); len(rest) > 0 {
		return fmt.Errorf("data after the end of the object at byte %d", len(raw)-len(rest))
	}
	return nil
}

// Value returns the value at the path of that index. It is nil if there is none, or if
// something on the way is not an object. Of equal paths only the first has a value.
func (p *Picker) Value(i int) []byte { return p.values[i] }

// Elements returns the elements of the array. ok reports whether there is an array.
func (p *Picker) Elements() (elements [][]byte, ok bool) { return p.elements, p.isArray }

// object reads the next object.
func (p *Picker) object(b *branch) error {
	if _, err := p.dec.ReadToken(); err != nil { // the opening brace
		return err
	}
	for p.dec.PeekKind() == jsontext.KindString {
		name, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(b.members, func(m member) bool { return nameIs(name, m.name) })
		if i < 0 {
			_, err = p.dec.ReadValue()
		} else {
			err = p.member(b.members[i].branch)
		}
		if err != nil {
			return err
		}
	}
	_, err := p.dec.ReadToken() // the closing brace
	return err
}

// member reads the value of a member in which something is looked for.
func (p *Picker) member(b *branch) (err error) {
	p.forget(b)
	kind := p.dec.PeekKind()
	begin := p.dec.InputOffset()
	switch {
	case kind == jsontext.KindBeginObject && len(b.members) > 0:
		err = p.object(b)
	case kind == jsontext.KindBeginArray && b.isArray:
		err = p.array()
	default:
		_, err = p.dec.ReadValue()
	}
	if b.value > 0 {
		end := p.dec.InputOffset()
		p.values[b.value-1] = bytes.TrimLeft(p.raw[begin:end:end], ":"+Space)
	}
	return err
}

// forget drops what an earlier member of the same name had.
func (p *Picker) forget(b *branch) {
	if b.value > 0 {
		p.values[b.value-1] = nil
	}
	if b.isArray {
		p.elements, p.isArray = p.elements[:0], false
	}
	for _, m := range b.members {
		p.forget(m.branch)
	}
}

// array reads the array whose elements are looked for.
func (p *Picker) array() error {
	p.isArray = true
	if _, err := p.dec.ReadToken(); err != nil { // the opening bracket
		return err
	}
	for {
		if kind := p.dec.PeekKind(); kind == jsontext.KindEndArray || kind == jsontext.KindInvalid {
			_, err := p.dec.ReadToken()
			return err
		}
		v, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		p.elements = append(p.elements, lastRead(p.raw, &p.dec, v))
	}
}
