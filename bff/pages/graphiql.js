// Headers typed into the page (Authorization: Bearer cc_...) go with each request.
const fetcher = GraphiQL.createFetcher({ url: "/graphql" });
const page = React.createElement(GraphiQL, {
  fetcher,
  defaultQuery: "{ __typename }\n",
  isHeadersEditorEnabled: true,
  shouldPersistHeaders: false,
});
ReactDOM.createRoot(document.getElementById("graphiql")).render(page);
