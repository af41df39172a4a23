package etcd

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
)

// What a client does when a member does not answer: it asks whether the connection is alive, as often as etcd allows, and connects again.
const (
	aliveEvery   = 5 * time.Second
	aliveTimeout = 2 * time.Second
	connectAgain = time.Second
	connectLimit = 5 * time.Second
)

// entryPrefix is where each write leaves an entry, whose key ends in its value.
const entryPrefix = "entry/"

// member is a client of one member.
type member struct{ client *clientv3.Client }

// connect returns a client of one member, which is reached by a dialer. It connects when it is used first, and again whenever the connection is lost.
func connect(pod string, dialer func(context.Context, string) (net.Conn, error)) (*member, error) {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://" + pod}, Logger: zap.NewNop(), DialKeepAliveTime: aliveEvery, DialKeepAliveTimeout: aliveTimeout,
		// A write that is sent twice has no one outcome.
		MaxUnaryRetries: 1,
		DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dialer(ctx, pod) }),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{BaseDelay: connectAgain / 10, Multiplier: 2, MaxDelay: connectAgain}, MinConnectTimeout: connectLimit,
			}),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("a client of %s: %w", pod, err)
	}
	return &member{client}, nil
}

func (m *member) close() { _ = m.client.Close() }

// Get returns the value of a key, 0 where it has none.
func (m *member) Get(ctx context.Context, key string) (int64, error) {
	answer, err := m.client.Get(ctx, key)
	if err != nil || len(answer.Kvs) == 0 {
		return 0, err
	}
	return parseValue(answer.Kvs[0].Value)
}

// put writes a value, and leaves its entry, which is bound to a lease or to none.
func (m *member) put(ctx context.Context, key string, value int64, id clientv3.LeaseID) error {
	_, err := m.client.Txn(ctx).Then(writes(key, value, id)...).Commit()
	return err
}

// swap does so if the key holds another, and returns what the key held.
func (m *member) swap(ctx context.Context, key string, expected, value int64, id clientv3.LeaseID) (int64, error) {
	holds := clientv3.Compare(clientv3.Value(key), "=", strconv.FormatInt(expected, 10))
	if expected == 0 {
		holds = clientv3.Compare(clientv3.CreateRevision(key), "=", 0)
	}
	answer, err := m.client.Txn(ctx).If(holds).Then(writes(key, value, id)...).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return 0, err
	}
	if answer.Succeeded {
		return expected, nil
	}
	found := answer.Responses[0].GetResponseRange().GetKvs()
	if len(found) == 0 {
		return 0, nil
	}
	return parseValue(found[0].Value)
}

func writes(key string, value int64, id clientv3.LeaseID) []clientv3.Op {
	text := strconv.FormatInt(value, 10)
	return []clientv3.Op{clientv3.OpPut(key, text), clientv3.OpPut(entryPrefix+text, "", clientv3.WithLease(id))}
}

// List returns the values of all entries, in no order.
func (m *member) List(ctx context.Context) (found load.Listed, err error) {
	answer, err := m.client.Get(ctx, entryPrefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return found, err
	}
	for _, kv := range answer.Kvs {
		value, err := parseValue([]byte(strings.TrimPrefix(string(kv.Key), entryPrefix)))
		if err != nil {
			return found, err
		}
		found.Values = append(found.Values, value)
	}
	return found, nil
}

func parseValue(text []byte) (int64, error) {
	value, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("expected a number that a client wrote, found %q", text)
	}
	return value, nil
}

// status is what a member says of itself. It goes over the client's own connection, where the client's method would open another.
func (m *member) status(ctx context.Context) (*etcdserverpb.StatusResponse, error) {
	return etcdserverpb.NewMaintenanceClient(m.client.ActiveConnection()).Status(ctx, &etcdserverpb.StatusRequest{})
}
