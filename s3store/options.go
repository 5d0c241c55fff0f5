package s3store

import (
	"cmp"
	"fmt"
)

// Options say how a Store treats its bucket. The zero value is a good choice.
type Options struct {
	// Encrypt asks the server to encrypt each object with a key of its own
	// (SSE-S3, AES256).
	Encrypt bool
	// Shared says that several Writers write to the same keys, each from its own
	// directory. It needs a server with compare-and-swap, which is proven on
	// throwaway keys once a day, with about 150 small requests (see Probe).
	// Without compare-and-swap, writing is refused. If Shared is false each key
	// has one Writer, and a second one is refused.
	Shared bool
	// EncryptionKey, 32 bytes, is the key with which the server encrypts and
	// decrypts each object (SSE-C). The server does not keep it, and nothing can
	// be read without it. It is refused if the endpoint is plain http, unless that
	// is on this machine.
	EncryptionKey []byte
	// TempDir is the directory in which a large object that has to be sent whole
	// is assembled. It should not be in memory, as /tmp is on some systems.
	// Default: that of os.TempDir.
	TempDir string

	// MinPartSize is the minimum size in bytes of each part of a multipart upload
	// but the last. Default: 5 MiB, the minimum of S3.
	MinPartSize int64
	// MaxCopySize is the maximum number of bytes that the server copies by one
	// request, at least twice MinPartSize. Default: 128 MiB.
	MaxCopySize int64
	// MaxInMemory is how many bytes of an old version, or of streams, are held in
	// memory when an object is assembled by the client. More of an old version goes
	// through TempDir. More of streams is sent in parts of half as many bytes, four at a
	// time, or goes through TempDir if the server does not take parts. Default: 16 MiB.
	MaxInMemory int64
}

// String prints the options without the key, so that no log can hold it.
func (o Options) String() string {
	return fmt.Sprintf("{Encrypt:%t Shared:%t EncryptionKey:%t TempDir:%q}", o.Encrypt, o.Shared, o.EncryptionKey != nil, o.TempDir)
}

// GoString is String.
func (o Options) GoString() string { return o.String() }

func (o Options) partLimits() partLimits {
	l := s3Limits
	l.minPart, l.maxCopy = cmp.Or(o.MinPartSize, l.minPart), cmp.Or(o.MaxCopySize, l.maxCopy)
	l.stream = max(cmp.Or(o.MaxInMemory, maxInMemory)/2, l.minPart)
	return l
}
