package s3store

import (
	"errors"
	"fmt"
	"time"
)

// Result is yes, no, or unknown. The zero Result is unknown.
type Result int8

const (
	ResultUnknown Result = iota
	ResultYes
	ResultNo
)

// String returns "yes", "no" or "unknown".
func (r Result) String() string {
	switch r {
	case ResultYes:
		return "yes"
	case ResultNo:
		return "no"
	}
	return "unknown"
}

// Finding is what a probe found out about one thing. Err says why the Result is not
// yes, and is nil if it is yes.
type Finding struct {
	Result
	Err error
}

// and returns yes if both are yes, and otherwise the one that is worse.
func (f Finding) and(g Finding) Finding {
	if f.Result == ResultNo || f.Result == ResultUnknown && g.Result != ResultNo {
		return f
	}
	return g
}

// Capabilities describe what a bucket at an endpoint does, by effect: what an
// object holds after a request counts, not only what the server replied. The zero
// Capabilities know nothing. See [Store.Probe].
type Capabilities struct {
	Reach Finding // the bucket can be reached, and says that an object is missing
	Put   Finding // an object can be stored
	Read  Finding // and reads back as it was stored
	List  Finding // the objects below a prefix can be listed; nothing depends on it

	// Write: [Store.Write] creates an object, and appends to it.
	Write Finding

	// CreateOnly: PutObject with If-None-Match: * makes an object, and leaves
	// one that exists. IfMatch: with If-Match it replaces the version named,
	// without quotes as a Store sends it, and leaves any other. Atomic: of
	// several writers that replace the same version at once, one succeeds.
	CreateOnly, IfMatch, Atomic Finding

	// Multipart: an object can be stored in parts. CompleteCreateOnly and
	// CompleteIfMatch: CompleteMultipartUpload honours these conditions.
	// CopyPart: UploadPartCopy takes 5 MiB of an object into its next version.
	Multipart, CompleteCreateOnly, CompleteIfMatch, CopyPart Finding

	// Metadata is kept with what PutObject stores, LargeMetadata if it has 2,000
	// bytes, MultipartMetadata with what is stored in parts.
	Metadata, LargeMetadata, MultipartMetadata Finding

	ContentMD5 Finding // PutObject refuses a body that does not match its Content-MD5

	// Versioned: the bucket keeps every version. Unknown if the key may not ask
	// and nothing else shows it.
	Versioned Finding

	Delete Finding // an object can be deleted

	// Clock: this machine's clock differs from the server's by less than a minute.
	// ClockAhead is by how much, in whole seconds, and negative if it is behind.
	// It is 0 if Clock is unknown.
	Clock      Finding
	ClockAhead time.Duration

	// Leftover names what the probe could not remove: keys, and uploads that were
	// begun.
	Leftover []string
}

// CheckExclusive returns nil if a Writer works that has its keys to itself.
// Otherwise the error says why not, or why that is not known.
func (c Capabilities) CheckExclusive() error {
	for _, need := range []struct {
		finding Finding
		what    string
	}{
		{c.Reach, "the bucket can be asked for an object"},
		{c.Put, "an object can be stored"},
		{c.Read, "an object reads back as it was stored"},
		{c.Write, "an object can be created and appended to as a Writer does it"},
	} {
		if err := need.finding.required(need.what); err != nil {
			return c.blame(err)
		}
	}
	return nil
}

// CheckShared returns nil if several Writers may share a key. For that the bucket
// must have a compare-and-swap that was seen to work.
func (c Capabilities) CheckShared() error {
	if err := c.CheckExclusive(); err != nil {
		return err
	}
	for _, need := range []struct {
		finding Finding
		what    string
	}{
		{c.CreateOnly, "one Writer can create an object without overwriting another's"},
		{c.IfMatch, "one Writer can append to an object without overwriting another's append"},
		{c.Atomic, "of several Writers at once one succeeds, and the others notice"},
	} {
		if err := need.finding.required(need.what); err != nil {
			return c.blame(err)
		}
	}
	return nil
}

// blame adds to err a likely reason.
func (c Capabilities) blame(err error) error {
	if c.Versioned.Result != ResultYes {
		return err
	}
	return fmt.Errorf("%w; the bucket keeps versions, and there some servers fail at conditions: try one that does not", err)
}

// required returns nil if the result is yes.
func (f Finding) required(what string) error {
	switch f.Result {
	case ResultYes:
		return nil
	case ResultNo:
		what = "it does not hold that " + what
	default:
		what = "it is not known whether " + what
	}
	if f.Err == nil {
		return errors.New(what)
	}
	return fmt.Errorf("%s: %w", what, f.Err)
}
