package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
)

const (
	placePart = 64 << 20
	placeWays = 2
)

// Place copies an object with its metadata from a Store to a server, so that a Writer
// continues there as if the object had always been there.
func Place(ctx context.Context, to Server, from rotatelog.Store, key string) error {
	obj, err := from.Stat(ctx, key)
	if err != nil {
		return err
	}
	client := to.Client(new(Requests))
	defer hangUp(client)
	p := placing{client, to.Bucket, key, from, obj}
	if obj.Size <= placePart {
		return p.put(ctx)
	}
	return p.putParts(ctx, placePart)
}

type placing struct {
	client *s3.Client
	bucket string
	key    string
	from   rotatelog.Store
	obj    rotatelog.Object
}

// read returns n bytes at off of the object.
func (p placing) read(ctx context.Context, off, n int64) ([]byte, error) {
	r, err := p.from.Read(ctx, p.key, p.obj.Version, off, n)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}

func (p placing) put(ctx context.Context) error {
	body, err := p.read(ctx, 0, p.obj.Size)
	if err != nil {
		return err
	}
	_, err = p.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &p.bucket, Key: &p.key, Metadata: p.obj.Meta, Body: bytes.NewReader(body),
	}, unsigned)
	return err
}

// putParts makes the object in parts of that size.
func (p placing) putParts(ctx context.Context, size int64) error {
	made, err := p.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &p.bucket, Key: &p.key, Metadata: p.obj.Meta,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // guards parts
	var parts []types.CompletedPart
	numbers := make(chan int32)
	var ways sync.WaitGroup
	for range placeWays {
		ways.Go(func() {
			for n := range numbers {
				part, err := p.putPart(ctx, *made.UploadId, n, size)
				if err != nil {
					cancel(fmt.Errorf("part %d: %w", n, err))
				}
				mu.Lock()
				parts = append(parts, part)
				mu.Unlock()
			}
		})
	}
	for n := range int32((p.obj.Size + size - 1) / size) {
		numbers <- n + 1
	}
	close(numbers)
	ways.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	slices.SortFunc(parts, func(a, b types.CompletedPart) int { return cmp.Compare(*a.PartNumber, *b.PartNumber) })
	_, err = p.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &p.bucket, Key: &p.key, UploadId: made.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

func (p placing) putPart(ctx context.Context, upload string, number int32, size int64) (types.CompletedPart, error) {
	off := int64(number-1) * size
	body, err := p.read(ctx, off, min(size, p.obj.Size-off))
	if err != nil {
		return types.CompletedPart{}, err
	}
	out, err := p.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &p.bucket, Key: &p.key, UploadId: &upload, PartNumber: &number, Body: bytes.NewReader(body),
	}, unsigned)
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: aws.Int32(number), ETag: out.ETag}, nil
}

// unsigned leaves the body out of the signature, as a client does over TLS.
func unsigned(o *s3.Options) {
	o.APIOptions = append(slices.Clone(o.APIOptions), v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}
