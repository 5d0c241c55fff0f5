// Package s3store keeps the objects of a [rotatelog.Writer] in a bucket of an S3
// server: Linode Object Storage, and the others that [Store] names. docs/S3.md
// lists the permissions that a key needs, and what was measured of each server.
package s3store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Store is a [rotatelog.Store] in a bucket of Amazon S3, Linode Object Storage, or
// another server that speaks S3.
//
// Before its first write, and then once a day, a store finds out which conditions
// the server honours, by trying them on a throwaway object beside the key; see
// Prove. It sends no PutObject without a condition that was proven in this way. If
// PutObject honours none, every Write is a multipart upload, which can be resolved
// if it arrives late. If the server does not take these either, nothing is written.
//
// A [rotatelog.Version] is an object's ETag. A Write that copies less than 5 MiB of
// the old version is one PutObject, with If-Match or If-None-Match and a
// Content-MD5; what it copies is read first. A Write that copies more is a
// multipart upload. The server then copies in ranges of at most 128 MiB, four at a
// time. The client sends only what is new, and never holds a whole object in
// memory. What comes before a copy may have to be filled up to 5 MiB, since only
// the last part may be smaller: up to 10 MiB of the old version are then read and
// sent. If the server does not copy, or if several Writers share a key and it
// ignores conditions on CompleteMultipartUpload, the object is assembled in a
// temporary file. It is sent whole if it has at most 5 GiB, and otherwise in parts.
//
// Streams of up to 16 MiB are read into memory. Larger ones are a multipart upload, in
// parts of 8 MiB: four are held at most, and each is sent again from memory if that
// fails. If the server takes no parts, they go through a temporary file.
//
// The SDK's retries are on for reads and for parts, and off for what takes effect,
// whatever the client's own settings: the answer to a repeated conditional write
// may be that it was refused, although it was applied. Its checksums are off. A
// request fails if no byte moves for 30 s, or for 2 minutes while the server
// copies.
//
// The key needs s3:GetObject, s3:PutObject, s3:AbortMultipartUpload and
// s3:ListMultipartUploadParts for the objects, s3:DeleteObject for what Copy makes and
// for objects whose keys begin with "rotatelog-probe-" after the last slash of the
// others', and s3:ListBucket and s3:ListBucketMultipartUploads for the bucket: without
// s3:ListBucket, AWS does not say that an object is missing. Errors say what is
// wrong and what to do about it. Those that no retry can fix match
// [rotatelog.ErrPermanent].
type Store struct {
	client   *s3.Client
	bucket   string
	opts     Options
	endpoint string // for messages
	host     string // of the endpoint, in lower case and without a default port
	retryer  aws.Retryer

	unencrypted  atomic.Bool // an object was stored without the encryption asked for
	proofs       proofs
	copying      copying
	seenVersions versionCache
	limits       partLimits
	inMemory     int64 // bytes of an old version that are held in memory
}

const (
	maxPut    = 5 << 30 // bytes of one PutObject
	maxObject = 5 << 40 // bytes of an object
	maxMeta   = 2 << 10 // bytes of user metadata: names and values
	maxKey    = 1 << 10 // bytes of a key
)

// New returns the Store of a bucket. It accepts any client; [NewClient] makes one
// that is right for Linode. An error, which matches [rotatelog.ErrPermanent], says
// what is wrong with the client, the bucket's name or the options, as far as that
// shows without a request.
func New(client *s3.Client, bucket string, opts Options) (*Store, error) {
	opts.EncryptionKey = bytes.Clone(opts.EncryptionKey)
	s := &Store{client: client, bucket: bucket, opts: opts, retryer: retry.NewStandard(), limits: opts.partLimits(), inMemory: cmp.Or(opts.MaxInMemory, maxInMemory),
		proofs: proofs{sem: make(chan struct{}, 1)}}
	var err error
	if s.endpoint, err = checkS3(client, bucket, opts); err != nil {
		return nil, fmt.Errorf("s3store: %w", err)
	}
	s.host = hostOf(client.Options())
	return s, nil
}

// String names the bucket and the endpoint, and no secret.
func (s *Store) String() string { return fmt.Sprintf("bucket %q at %s", s.bucket, s.endpoint) }

// GoString is String.
func (s *Store) GoString() string { return s.String() }

// withRetries and withoutRetries change the options of a request to what a Store
// relies on, whatever the client.
func (s *Store) withRetries(o *s3.Options) {
	s.prepareRequest(o)
	o.Retryer = s.retryer
}

func (s *Store) withoutRetries(o *s3.Options) {
	s.prepareRequest(o)
	o.Retryer = aws.NopRetryer{}
}

func (s *Store) prepareRequest(o *s3.Options) {
	addChecks(o)
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.ContinueHeaderThresholdBytes = -1
	if s.opts.EncryptionKey != nil {
		o.APIOptions = append(slices.Clip(o.APIOptions), s.sendCustomerKey)
	}
	o.ExpressCredentials = nil // they race where two clients have the same Options
	if _, ok := o.HTTPClient.(*guard); !ok {
		o.HTTPClient = &guard{client: o.HTTPClient}
	}
}

// ready returns an error if no request can be made.
func (s *Store) ready(ctx context.Context, key string) error {
	if s.unencrypted.Load() {
		return notEncrypted()
	}
	if err := checkS3Key(key); err != nil {
		return err
	}
	return context.Cause(ctx)
}
