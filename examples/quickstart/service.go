package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
)

// The bucket, the region it claims to be in, and its key.
const (
	bucket    = "sports-json-logs-all"
	region    = "us-ord-1"
	accessKey = "quickstart-id"
	secretKey = "quickstart-secret"
)

// service is the storage service: an S3 server that behaves like Linode's, on
// this machine, with one bucket in memory.
type service struct {
	fake     *fakes3.Server
	down     atomic.Bool // it answers 503 to uploads
	server   *http.Server
	endpoint string
}

// startService starts it on a free port.
func startService() (*service, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &service{
		fake:     fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: accessKey, SecretKey: secretKey, Region: region}),
		endpoint: "http://" + l.Addr().String(),
	}
	s.fake.CreateBucket(bucket)
	s.fake.Fault = s.fault
	s.server = &http.Server{Handler: s.fake}
	go s.server.Serve(l)
	return s, nil
}

func (s *service) stop() { s.server.Close() }

// client returns a client as for Linode, except for the endpoint.
func (s *service) client() *s3.Client {
	return s3store.NewClient(s.endpoint, region, credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""))
}

// fault fails only uploads: the SDK would repeat reads, in real time.
func (s *service) fault(op fakes3.Op) fakes3.Fault {
	if op.Name == "PutObject" && s.down.Load() {
		return fakes3.Fault{Reply: fakes3.Error{Status: http.StatusServiceUnavailable}}
	}
	return fakes3.Fault{}
}

// save writes the objects of the bucket into files below dir, as a store that rotatelog
// append can continue.
func (s *service) save(ctx context.Context, dir string) error {
	store, err := dirstore.Open(filepath.Join(dir, storeDir))
	if err != nil {
		return err
	}
	for _, key := range s.fake.Keys(bucket) {
		data, meta, _ := s.fake.Object(bucket, key)
		if err := store.Write(ctx, key, "", []rotatelog.Part{rotatelog.Data(data)}, meta); err != nil {
			return err
		}
	}
	return nil
}
