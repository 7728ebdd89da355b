// The same server on gRPC C++: its asynchronous API, one completion queue, one thread.
// usage: server PORT POLICY
#include "authorization.grpc.pb.h"
#include "judge.h"

#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <string>

namespace auth = envoy::service::auth::v3;
using Service = auth::Authorization::AsyncService;

namespace {

// As many calls as gRPC may hand out before one of them is answered.
constexpr int kWaitingCalls = 200;

policy rules;
// Both answers never change: only their encoding is done for each request.
auth::CheckResponse allowed, refused;

void PrepareAnswers() {
  auto *ok = allowed.mutable_ok_response();
  for (size_t i = 0; i < rules.n_set; i++) {
    auto *option = ok->add_headers();
    option->set_append_action(envoy::config::core::v3::HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD);
    option->mutable_header()->set_key(rules.set[i].name.bytes, rules.set[i].name.length);
    option->mutable_header()->set_value(rules.set[i].value.bytes, rules.set[i].value.length);
  }
  for (size_t i = 0; i < rules.n_removed; i++)
    ok->add_headers_to_remove(rules.removed[i].bytes, rules.removed[i].length);
  refused.mutable_status()->set_code(7);
  refused.mutable_denied_response()->mutable_status()->set_code(402);
}

slice Bytes(const std::string &text) { return {reinterpret_cast<const uint8_t *>(text.data()), text.size()}; }

const auth::CheckResponse &Check(const auth::CheckRequest &request) {
  const auto &http = request.attributes().request().http();
  question q{};
  q.path = Bytes(http.path());
  q.host = Bytes(http.host());
  auth::HeadersEntry header, pass;
  for (const auto &entry : http.headers()) {
    if (!header.ParseFromString(entry)) return refused;
    if (header.key() != "turnpike-pass") continue;
    pass.Swap(&header);
    q.pass = Bytes(pass.value());
    q.passes++;
  }
  return judge(&rules, &q) == VALID ? allowed : refused;
}

// One call from its request to its end; it makes its successor, and deletes itself.
class Call {
 public:
  Call(Service *service, grpc::ServerCompletionQueue *queue)
      : service_(service), queue_(queue), writer_(&context_) {
    service->RequestCheck(&context_, &request_, &writer_, queue, queue, this);
  }

  void Proceed(bool ok) {
    if (finished_ || !ok) {
      delete this;
      return;
    }
    new Call(service_, queue_);
    finished_ = true;
    writer_.Finish(Check(request_), grpc::Status::OK, this);
  }

 private:
  Service *service_;
  grpc::ServerCompletionQueue *queue_;
  grpc::ServerContext context_;
  auth::CheckRequest request_;
  grpc::ServerAsyncResponseWriter<auth::CheckResponse> writer_;
  bool finished_ = false;
};

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s PORT POLICY\n", argv[0]);
    return 2;
  }
  policy_read(&rules, argv[2]);
  PrepareAnswers();
  Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  auto queue = builder.AddCompletionQueue();
  auto server = builder.BuildAndStart();
  if (!server) return 1;
  for (int i = 0; i < kWaitingCalls; i++) new Call(&service, queue.get());
  void *tag;
  bool ok;
  while (queue->Next(&tag, &ok)) static_cast<Call *>(tag)->Proceed(ok);
}
