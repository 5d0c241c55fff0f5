package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"

	"example.com/rotatelog/s3store"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Server is an S3 server, and a bucket in it.
type Server struct {
	Name        string
	Endpoint    string
	Bucket      string
	Key, Secret string
}

// Servers returns the real servers that the environment names, as .ci/servers
// prints it.
func Servers() (found []Server) {
	for _, name := range []string{"rgw", "versity"} {
		s := Server{
			Name:     name,
			Endpoint: os.Getenv("ROTATELOG_" + strings.ToUpper(name) + "_ENDPOINT"),
			Bucket:   os.Getenv("ROTATELOG_SERVERS_BUCKET"),
			Key:      os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"),
			Secret:   os.Getenv("ROTATELOG_SERVERS_SECRET_KEY"),
		}
		if s.Endpoint != "" {
			found = append(found, s)
		}
	}
	return found
}

// Host returns the address of the server, as a Link wants it.
func (s Server) Host() string { return strings.TrimPrefix(s.Endpoint, "http://") }

// Behind returns the server as it is reached through a Link.
func (s Server) Behind(l *Link) Server {
	s.Endpoint = "http://" + l.Addr()
	return s
}

// Client returns a client of the server, as rotatelog makes it, which counts its
// requests in n. Each client has its own connections.
func (s Server) Client(n *Requests) *s3.Client {
	creds := credentials.NewStaticCredentialsProvider(s.Key, s.Secret, "")
	opts := s3store.NewClient(s.Endpoint, "us-east-1", creds).Options()
	opts.APIOptions = append(opts.APIOptions, n.count)
	return s3.New(opts)
}

// hangUp closes the connections of a client that is no longer needed.
func hangUp(client *s3.Client) {
	if c, ok := client.Options().HTTPClient.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Remove deletes an object.
func (s Server) Remove(ctx context.Context, key string) error {
	client := s.Client(new(Requests))
	defer hangUp(client)
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(s.Bucket), Key: &key}); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// Requests counts requests by the name of their operation, each attempt. Those that
// find out what a server does with conditions are left out: a spool remembers it.
type Requests struct {
	mu     sync.Mutex
	byName map[string]int
}

// Total returns how many there were.
func (r *Requests) Total() (n int) {
	for _, k := range r.ByName() {
		n += k
	}
	return n
}

// Uploads returns how many there were without those that look for leftovers,
// which a Writer does once a day.
func (r *Requests) Uploads() int { return r.Total() - r.ByName()["ListMultipartUploads"] }

// ByName returns how many there were of each operation.
func (r *Requests) ByName() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.byName)
}

// count is a middleware that comes after the retries.
func (r *Requests) count(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("CountRequests", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); !ok || !strings.Contains(req.URL.Path, "/rotatelog-probe-") {
			r.note(awsmiddleware.GetOperationName(ctx))
		}
		return next.HandleDeserialize(ctx, in)
	}), middleware.Before)
}

func (r *Requests) note(operation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName == nil {
		r.byName = map[string]int{}
	}
	r.byName[operation]++
}
