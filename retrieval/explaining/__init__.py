"""What explanations and passages are made of: a document beside a query, and its words beside their vectors."""
