package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

// forwarded is a connection to a port of a pod, through the API server and the pod's kubelet.
type forwarded struct {
	httpstream.Stream
	connection httpstream.Connection
	pod        string

	mu       sync.Mutex
	deadline *time.Timer // that closes the connection, nil if it has none
}

// Dial connects to a port of the pod that has that name now, in the namespace. The connection is closed at its deadline.
func Dial(ctx context.Context, ns *framework.Namespace, pod string, port int) (net.Conn, error) {
	transport, upgrader, err := spdy.RoundTripperFor(ns.RESTConfig())
	if err != nil {
		return nil, err
	}
	url := ns.Client.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns.Name).Name(pod).SubResource("portforward").URL()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	connection, _, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: transport}, request, portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("forwarding a port of %s: %w", pod, err)
	}
	data, err := streams(connection, port)
	if err != nil {
		_ = connection.Close()
		return nil, fmt.Errorf("forwarding a port of %s: %w", pod, err)
	}
	return &forwarded{Stream: data, connection: connection, pod: pod}, nil
}

// streams opens the two streams of a forwarded port, that of its errors first, and returns the other. An error closes the connection.
func streams(connection httpstream.Connection, port int) (httpstream.Stream, error) {
	headers := http.Header{}
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, "0")
	failures, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	_ = failures.Close() // for writing: it is only read
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	go func() {
		if text, err := io.ReadAll(failures); err != nil || len(text) > 0 {
			_ = connection.Close()
		}
	}()
	return data, nil
}

// Close ends the connection and with it the streams.
func (f *forwarded) Close() error { return f.connection.Close() }

// LocalAddr and RemoteAddr name the pod, since nothing else is known of the two ends.
func (f *forwarded) LocalAddr() net.Addr  { return Address(f.pod) }
func (f *forwarded) RemoteAddr() net.Addr { return Address(f.pod) }

// SetDeadline has the connection closed at that time, never if it is zero: a stream has no deadlines of its own, and one to a pod that is gone may not
// end for minutes.
func (f *forwarded) SetDeadline(at time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deadline != nil {
		f.deadline.Stop()
		f.deadline = nil
	}
	if !at.IsZero() {
		f.deadline = time.AfterFunc(time.Until(at), func() { _ = f.Close() })
	}
	return nil
}

// SetReadDeadline and SetWriteDeadline are SetDeadline: what is given up in one direction is in both.
func (f *forwarded) SetReadDeadline(at time.Time) error  { return f.SetDeadline(at) }
func (f *forwarded) SetWriteDeadline(at time.Time) error { return f.SetDeadline(at) }

// Address is that of a pod whose port is forwarded: its name.
type Address string

// Network is no network that can be dialed.
func (Address) Network() string { return "portforward" }

// String is the name of the pod.
func (a Address) String() string { return string(a) }
